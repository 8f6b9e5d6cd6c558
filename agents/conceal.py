"""What a request says of a person: sealed by the intake, opened only to render, masked in rows where secret.

All of the data is sealed as one, for any variable may be a name (NS-SEC-OP-01, NS-SEC-OP-02). A secret one is
sealed in it once more, as `{"$sealed": "<base64>"}` (NS-EVT-OP-09): so it is known as secret to its end. What
a producer writes in that form is sealed again, so nobody can have another one's secret opened for him.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agents.ports import Cipher

SEALED = "$sealed"
MASK = "***"
NOTHING = b"{}"
ADDRESS_FIELDS = frozenset({"email", "phone", "devices"})
"""Fields of events that hold addresses: never in clear behind the intake."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_TRACE = f'"{SEALED}"'.encode()


def conceal(data: Mapping[str, Any], secret: Collection[str] | None, cipher: Cipher) -> bytes:
    """The data as JSON, sealed, and secret variables in it, too; with None, every variable."""
    return veiled(_concealed(data, secret, cipher), cipher)


def veiled(raw: bytes, cipher: Cipher) -> bytes:
    """JSON of an object, sealed; nothing is as it is."""
    return raw if raw == NOTHING else cipher.seal(raw)


def unveiled(raw: bytes, cipher: Cipher) -> bytes:
    """JSON of an object in clear, as it is in records of earlier versions; `UnopenedError`."""
    return raw if raw.startswith(b"{") else cipher.open(raw)


def _concealed(data: Mapping[str, Any], secret: Collection[str] | None, cipher: Cipher) -> bytes:
    hidden = {
        name
        for name, value in data.items()
        if secret is None or name in secret or name in ADDRESS_FIELDS or _is_sealed(value)
    }
    if not hidden:
        return _encode(data)
    return _encode({name: _seal(value, cipher) if name in hidden else value for name, value in data.items()})


def reveal(raw: bytes, secret: Collection[str], cipher: Cipher) -> tuple[dict[str, Any], bytes]:
    """The variables in clear, to render with; and the data as rows may show it, secrets masked.

    `UnopenedError` when the key that sealed it is withdrawn.
    """
    raw = unveiled(raw, cipher)
    data = _decode(raw)
    sealed = {name for name, value in data.items() if _is_sealed(value)} if _TRACE in raw else set()
    masked = sealed.union(name for name in secret if name in data)
    if not masked:
        return data, raw
    shown = _encode({name: MASK if name in masked else value for name, value in data.items()})
    clear = {name: _open(value, cipher) if name in sealed else value for name, value in data.items()}
    return clear, shown


def _is_sealed(value: object) -> bool:
    return isinstance(value, dict) and SEALED in value


def _seal(value: object, cipher: Cipher) -> dict[str, str]:
    return {SEALED: b64encode(cipher.seal(_encode(value))).decode()}


def _open(value: dict[str, str], cipher: Cipher) -> object:
    return msgspec.json.decode(cipher.open(b64decode(value[SEALED])))
