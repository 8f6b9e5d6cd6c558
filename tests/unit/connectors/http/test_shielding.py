"""Security headers stand on every answer, whoever gives it."""

from __future__ import annotations

import asyncio

import pytest

from connectors.http.shielding import SHIELD
from tests.unit.connectors.http.edge import edge

SEEN = "/4.0/mark-notify/v1/seen"


@pytest.mark.parametrize(
    "request_line",
    [
        f"POST {SEEN} HTTP/1.1\r\nContent-Length: 23\r\n\r\n" + '{"tag":"news","id":"1"}',
        f"POST {SEEN} HTTP/1.1\r\nContent-Length: 1\r\n\r\n" + "{",
        "GET /api/v1/notifications/keys HTTP/1.1\r\n\r\n",
        "GET /nothing HTTP/1.1\r\n\r\n",
        f"GET {SEEN} HTTP/1.1\r\n\r\n",
        f"POST {SEEN} HTTP/1.1\r\nExpect: magic\r\n\r\n",
        "GET * HTTP/1.1\r\n\r\n",
        "BROKEN\r\n\r\n",
    ],
    ids=["200", "400", "401", "404", "405", "expect", "no path", "no HTTP"],
)
async def test_every_answer_is_shielded(request_line: str) -> None:
    async with edge() as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.client.port)
        writer.write(request_line.replace("\r\n", "\r\nHost: x\r\nConnection: close\r\n", 1).encode())
        head = (await reader.read()).decode().partition("\r\n\r\n")[0]
        writer.close()
        await writer.wait_closed()
    found = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    assert SHIELD.items() <= found.items(), head
    assert "carillon" == found["Server"]
