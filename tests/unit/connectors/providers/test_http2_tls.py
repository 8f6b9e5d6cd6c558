"""HTTP/2 over TLS: both sides agree on the protocol, and the client trusts whom it should."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from connectors.fake.http2_server import Http2Connection
from connectors.providers.http2_call import Http2Calls
from schemas.words import Verdict
from tests.certificates import certified
from tests.unit.connectors.providers.http2_desk import Desk, port_of, post, verdict

if TYPE_CHECKING:
    from pathlib import Path


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
    certificate = certified(tmp_path)
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
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
