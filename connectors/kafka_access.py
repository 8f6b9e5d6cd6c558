"""How our Kafka clients prove who they are (SASL) and to whom they speak (TLS), in aiokafka's words."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Sasl(NamedTuple):
    """A user of the brokers."""

    mechanism: str
    username: str
    password: str


class Tls(NamedTuple):
    """PEM files: who signs the brokers' certificates (None: whom the system trusts), our own, and its key."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What a connection is made with. `OSError`, `ssl.SSLError` too: a file that cannot be used."""
        made = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            made.load_cert_chain(self.certificate_file, self.key_file)
        return made


def security(sasl: Sasl | None, tls: Tls | None) -> dict[str, Any]:
    """What a client is told beside the addresses; nothing for brokers that ask for nothing."""
    found: dict[str, Any] = {}
    if sasl is not None or tls is not None:
        protocol = "SSL" if tls else "PLAINTEXT"
        found["security_protocol"] = f"SASL_{protocol}" if sasl else protocol
    if tls is not None:
        found["ssl_context"] = tls.context()
    if sasl is not None:
        mechanism, username, password = sasl
        found |= {
            "sasl_mechanism": mechanism,
            "sasl_plain_username": username,
            "sasl_plain_password": password,
        }
    return found
