"""HTTP/2 over TLS: both sides agree on the protocol, and the client trusts whom it should."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.fake.http2_server import Http2Connection
from connectors.providers.http2_call import Http2Calls
from schemas.words import Verdict
from tests.unit.connectors.providers.http2_desk import Desk, port_of, post, verdict

if TYPE_CHECKING:
    from pathlib import Path


def certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context and that of a client who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))


@pytest.mark.parametrize(
    ("protocols", "is_trusted", "expected"),
    [
        (["h2"], True, 200),
        (["http/1.1"], True, Verdict.MISCONFIGURED),
        (["h2"], False, Verdict.TEMPORARY),
    ],
)
async def test_over_tls_both_sides_agree_on_http2_first(
    tmp_path: Path, protocols: list[str], is_trusted: bool, expected: Verdict | int
) -> None:
    desk = Desk()
    server_tls, trusting = certified(tmp_path)
    server_tls.set_alpn_protocols(protocols)
    server = await asyncio.get_running_loop().create_server(
        lambda: Http2Connection(desk.server), "127.0.0.1", 0, ssl=server_tls
    )
    url = f"https://127.0.0.1:{port_of(server)}"
    calls = Http2Calls(url, timeout_ms=2_000, context=trusting if is_trusted else None)
    assert expected == verdict(await post(calls))
    await calls.close()
    desk.server.cut()
    server.close()
