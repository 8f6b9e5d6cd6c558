"""Signatures of mails by DKIM (RFC 6376): relaxed/relaxed, `rsa-sha256` and `ed25519-sha256` (RFC 8463).

It signs what `letter` writes, whose headers stand once each and whose lines end in CRLF. RSA takes half a
millisecond of a core, so signing has threads of its own; the library lets others run meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Meta

from connectors.providers.port import ProviderConfigError, Secretive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z", max_length=253)]

SIGNED = (
    *("from", "to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post"),
)
"""Of these, the ones that a mail has. RFC 8058 demands the last two."""
RSA_BITS = range(1_024, 4_096 + 1)
"""What every reader of signatures has to take (RFC 8301)."""
LINE_CHARACTERS = 72
_FIELDS = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t\r\n]+")
_BLANKS_IN_LINE = re.compile(rb"[ \t]+")
_THREADS: Final = ThreadPoolExecutor(2, "dkim")  # begins a thread with the first work


class DkimKey(Secretive, frozen=True, forbid_unknown_fields=True):
    """Whose signature it is: the public half stands in the DNS at `<selector>._domainkey.<domain>`.

    `private_key`: PEM, as `private_key_file`.
    """

    domain: Name
    selector: Name
    private_key: str


_Secret = RSAPrivateKey | Ed25519PrivateKey


class Signatures:
    """Signs by each of the keys; without any, mails stay as they are."""

    def __init__(self, keys: Sequence[DkimKey], from_address: str) -> None:
        for where, what in _faults(keys, from_address):
            raise ProviderConfigError(f"config: {where}: {what}")
        self._keys = [(key, secret) for key in keys if (secret := _private(key.private_key))]

    async def added(self, raw: bytes, at: int) -> bytes:
        """The mail with its signatures before it. `at`: milliseconds, the time of signing."""
        if not self._keys:
            return raw
        return await asyncio.get_running_loop().run_in_executor(_THREADS, self._signed, raw, at)

    def _signed(self, raw: bytes, at: int) -> bytes:
        head, _, body = raw.partition(b"\r\n\r\n")
        fields = dict(_relaxed_field(field) for field in _FIELDS.split(head))
        body_hash = b64encode(sha256(relaxed_body(body)).digest()).decode()
        return b"".join(_signature(key, fields, body_hash, at) for key in self._keys) + raw


def key_faults(given: object, from_address: object) -> list[tuple[str, str]]:
    """Where in a config, and what: of keys as an entry gives them, and of its address if it has one."""
    try:
        keys = msgspec.convert(given, tuple[DkimKey, ...])
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        return [(f"dkim{where.strip('`').removeprefix('$')}", what)]
    return list(_faults(keys, from_address))


def _faults(keys: Sequence[DkimKey], from_address: object) -> Iterator[tuple[str, str]]:
    sender = from_address.rpartition("@")[2] if isinstance(from_address, str) else None
    for number, key in enumerate(keys):
        if sender is not None and not _is_aligned(key.domain.lower(), sender.lower()):
            yield f"dkim[{number}].domain", "is neither above nor below from_address"
        if _private(key.private_key) is None:
            yield f"dkim[{number}].private_key", "is no PEM of RSA (1024 to 4096 bits) or Ed25519"


def relaxed_body(body: bytes) -> bytes:
    """The body as it is hashed: one blank for several, none at ends of lines, no empty lines at the end."""
    text = _BLANKS_IN_LINE.sub(b" ", body).replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


def _relaxed_field(field: bytes) -> tuple[str, bytes]:
    """Name and value as they are signed."""
    name, _, value = field.partition(b":")
    return name.decode().lower(), _BLANKS.sub(b" ", value).strip(b" ")


def _signature(key: tuple[DkimKey, _Secret], fields: dict[str, bytes], body_hash: str, at: int) -> bytes:
    """The header line. Each field is named once more than it stands there, so that nobody can add another."""
    whose, secret = key
    names = [name for name in SIGNED if name in fields]
    algorithm = "rsa-sha256" if isinstance(secret, RSAPrivateKey) else "ed25519-sha256"
    tags = (
        f"v=1; a={algorithm}; c=relaxed/relaxed; d={whose.domain};",
        f"s={whose.selector}; t={at // 1000};",
        f"h={':'.join(names)}",
        f":{':'.join(names)};",
        f"bh={body_hash};",
        "b=",
    )
    said = b"".join(b"%s:%s\r\n" % (name.encode(), fields[name]) for name in names)
    signature = _sign(secret, said + f"dkim-signature:{' '.join(tags)}".encode())
    pieces = [signature[i : i + LINE_CHARACTERS] for i in range(0, len(signature), LINE_CHARACTERS)]
    return f"DKIM-Signature: {_folded(tags)}{_folded(pieces)}\r\n".encode()


def _folded(lines: Sequence[str]) -> str:
    return "\r\n ".join(lines)


def _sign(secret: _Secret, text: bytes) -> str:
    if isinstance(secret, RSAPrivateKey):
        return b64encode(secret.sign(text, PKCS1v15(), SHA256())).decode()
    return b64encode(secret.sign(sha256(text).digest())).decode()


def _private(pem: str) -> _Secret | None:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, Ed25519PrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size in RSA_BITS):
        return key
    return None


def _is_aligned(domain: str, sender: str) -> bool:
    """Whether DMARC may count it: the domains are one, or one lies below the other."""
    return f".{sender}".endswith(f".{domain}") or f".{domain}".endswith(f".{sender}")
