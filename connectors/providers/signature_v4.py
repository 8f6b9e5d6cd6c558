"""AWS Signature Version 4 of a POST without a query, in the header `Authorization`.

Source: "Create a signed AWS API request" of the IAM user guide, and "Signing requests" of Yandex Cloud
Postbox. Checked by vectors of the published test suite and, once, against botocore.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from time import gmtime, strftime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connectors.providers.port import Secretive

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "AWS4-HMAC-SHA256"


class AwsKey(Secretive, frozen=True):
    """Who signs, and for what. `token`: of a temporary key."""

    access_key_id: str
    secret_access_key: str
    region: str
    service: str
    token: str | None = None


def signed(key: AwsKey, url: str, body: bytes, headers: Mapping[str, str], at: int) -> dict[str, str]:
    """The headers of the request, with its signature. `at`: milliseconds; the vendor allows minutes.

    The path must be plain: letters, digits and `-._~/`. All of `headers` are signed.
    """
    moment = strftime("%Y%m%dT%H%M%SZ", gmtime(at // 1000))
    whole = {**headers, "Host": urlsplit(url).netloc, "X-Amz-Date": moment}
    if key.token is not None:
        whole["X-Amz-Security-Token"] = key.token
    names, canonical = _canonical("POST", url, whole, body)
    scope = f"{moment[:8]}/{key.region}/{key.service}/aws4_request"
    to_sign = "\n".join((ALGORITHM, moment, scope, sha256(canonical.encode()).hexdigest()))
    signature = hmac.digest(_signing_key(key, moment[:8]), to_sign.encode(), sha256).hex()
    credential = f"{ALGORITHM} Credential={key.access_key_id}/{scope}"
    whole["Authorization"] = f"{credential}, SignedHeaders={names}, Signature={signature}"
    return whole


def _canonical(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Names of the signed headers, and the request in the one form that both sides sign."""
    known = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    names = ";".join(name for name, _ in known)
    lines = [f"{name}:{value}" for name, value in known]
    path = urlsplit(url).path or "/"
    return names, "\n".join((method, path, "", *lines, "", names, sha256(body).hexdigest()))


def _signing_key(key: AwsKey, day: str) -> bytes:
    derived = f"AWS4{key.secret_access_key}".encode()
    for part in (day, key.region, key.service, "aws4_request"):
        derived = hmac.digest(derived, part.encode(), sha256)
    return derived
