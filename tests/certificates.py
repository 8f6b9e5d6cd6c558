"""Certificates for tests of TLS: of this machine, and of clients whom an authority signs."""

from __future__ import annotations

import datetime as dt
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
LONG = dt.timedelta(days=36_500)


class Authority(NamedTuple):
    """Who signs; `file` is for whoever trusts it."""

    file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def sign(self, folder: Path, name: str, *, lasting: dt.timedelta = LONG) -> Path:
        """A file with a certificate of this name, and of 127.0.0.1, from 2020 on; and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _built(name, key, lasting).issuer_name(self.certificate.subject)
        return _written(folder / f"{name}.pem", made.sign(self.key, hashes.SHA256()), key)


def authority(folder: Path, name: str) -> Authority:
    """A new one."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _built(name, key, LONG).issuer_name(_named(name)).sign(key, hashes.SHA256())
    return Authority(_written(folder / f"{name}.pem", made), made, key)


def certified(folder: Path) -> Path:
    """A file with a certificate of 127.0.0.1, which is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _built("localhost", key, LONG).issuer_name(_named("localhost")).sign(key, hashes.SHA256())
    return _written(folder / "server.pem", made, key)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _built(name: str, key: ec.EllipticCurvePrivateKey, lasting: dt.timedelta) -> x509.CertificateBuilder:
    """All but who signs it."""
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + lasting)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )


def _written(
    path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None = None
) -> Path:
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) if key else b""
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + own)
    return path
