"""The issuer of the house: its public key in a file, and tokens of people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from connectors.clock import now_ms

KEY = ECKey.generate_key("P-256")
ISSUER, AUDIENCE = "https://id.house", "carillon"


def trusting(folder: Path) -> dict[str, str]:
    """The settings `http.jwt` of a process that believes this issuer."""
    path = folder / "jwks.json"
    listed = {**KEY.as_dict(private=False), "kid": "house", "use": "sig"}
    path.write_text(json.dumps({"keys": [listed]}), encoding="utf-8")
    return {"issuer": ISSUER, "audience": AUDIENCE, "jwks_file": str(path)}


def token(**changes: Any) -> str:
    """What the issuer gave an admin for ten minutes, but for these claims."""
    now_s = now_ms() // 1000
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now_s + 600, "roles": ["admin"], **changes}
    return jwt.encode({"alg": "ES256", "kid": "house"}, claims, KEY, algorithms=["ES256"])
