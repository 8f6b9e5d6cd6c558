"""How our Kafka clients prove who they are (SASL) and to whom they speak (TLS), in aiokafka's words."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography import x509

from connectors.clock import now_ms

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
            _check_times(self.certificate_file, dt.datetime.fromtimestamp(now_ms() / 1000, dt.UTC))
        return made

    @property
    def subject(self) -> str | None:
        """Whom our certificate names, as brokers write their principal if no rule of theirs changes it."""
        return _first_in(self.certificate_file).subject.rfc4514_string() if self.certificate_file else None


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


def _check_times(file: Path, now: dt.datetime) -> None:
    """Brokers say of a certificate that has ended what they say of a stranger's."""
    shown = _first_in(file)
    if not shown.not_valid_before_utc <= now <= shown.not_valid_after_utc:
        begin, end = (
            f"{at:%Y-%m-%dT%H:%MZ}" for at in (shown.not_valid_before_utc, shown.not_valid_after_utc)
        )
        raise OSError(f"the certificate in {file} is valid from {begin} to {end} only: put a new one there")


def _first_in(file: Path) -> x509.Certificate:
    """Our own; those behind it lead to who signed it."""
    return x509.load_pem_x509_certificate(file.read_bytes())
