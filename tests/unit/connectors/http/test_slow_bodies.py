"""A body that does not come holds nothing for long."""

from __future__ import annotations

import asyncio

import pytest

from connectors.http import bodies
from connectors.http.seen import PATH
from tests.unit.connectors.http.edge import SHOP, edge


@pytest.mark.parametrize(
    ("path", "expected"),
    [(PATH, "503"), (f"{PATH}/batch", "503"), ("/api/v1/notifications/send", "408")],
    ids=["seen", "seen batch", "send"],
)
async def test_a_body_that_does_not_come_is_waited_for_a_while(
    path: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen posts get a 503: after any other 4xx a client gives its fact up (SEEN-OP-05)."""
    monkeypatch.setattr(bodies, "BODY_S", 0.05)
    async with edge() as one:
        reader, writer = await asyncio.open_connection(one.client.host, one.client.port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SHOP}\r\nContent-Length: 9\r\n\r\n{{"
        )
        writer.write(head.encode())
        status = (await asyncio.wait_for(reader.readline(), 10)).decode()
        writer.close()
    assert expected == status.split()[1]
