"""What aiohttp refuses before there is a route is a problem as everything else is."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from connectors.http.seen import PATH
from tests.unit.connectors.http.edge import edge

BODY = b'{"tag": "news", "id": "1"}'
TO = b"Host: localhost\r\nConnection: close\r\n"


def post(*headers: bytes, method: bytes = b"POST") -> bytes:
    """A whole request of a right body and some more headers."""
    lines = [method + b" " + PATH.encode() + b" HTTP/1.1", TO + b"Content-Length: %d" % len(BODY), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + BODY


async def answered(raw: bytes) -> tuple[int, str, dict[str, Any], int]:
    """Write these bytes; the status, the content type, the body, and how many posts were published."""
    async with edge() as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.client.port)
        writer.write(raw)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    first, *others = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in others)}
    return int(first.split(" ")[1]), headers["content-type"], json.loads(body), len(one.published)


@pytest.mark.spec("NS-API-OP-03")
@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (post(b"Content-Type: a/b", b"Content-Type: a/b"), 400, "invalid_request"),
        (post(b"Content-Length: 1"), 400, "invalid_request"),
        (post(b"Transfer-Encoding: chunked"), 400, "invalid_request"),
        (post(b"Content-Encoding: br"), 400, "invalid_request"),
        (post(b"X-User-Id: \x01"), 400, "invalid_request"),
        (post(b"X-User-Id: " + b"a" * 9000), 400, "invalid_request"),
        (post(b"Expect: <b>"), 400, "invalid_request"),
        (post(b"Expect: \xff"), 400, "invalid_request"),
        (post(b"Content-Encoding: gzip"), 400, "invalid_json"),
        (post(method=b"SEEN"), 400, "invalid_request"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "invalid_request"),
        (b"OPTIONS * HTTP/1.1\r\n" + TO + b"\r\n", 404, "not_found"),
        (b"CONNECT other:443 HTTP/1.1\r\n" + TO + b"\r\n", 404, "not_found"),
    ],
)
async def test_what_no_route_sees_is_refused_with_a_problem_and_without_a_stack_in_the_log(
    raw: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "aiohttp.server"):
        found, content_type, problem, published = await answered(raw)
    assert (status, "application/problem+json", status, code, [], 0) == (
        found,
        content_type,
        problem["status"],
        problem["code"],
        problem["errors"],
        published,
    )
    assert [] == [record for record in caplog.records if record.name == "aiohttp.server"]


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on() -> None:
    async with edge() as one:
        status, _, _ = await one.post(Expect="100-continue")
    assert (200, 1) == (status, len(one.published))


async def test_a_defect_outside_every_route_is_a_problem_without_its_text() -> None:
    async with edge() as one:

        def broken(_request: object) -> None:
            raise RuntimeError("inner secret")

        one.app.router.resolve = broken
        async with one.client.post(PATH, json={}) as response:
            problem = await response.json(content_type=None)
    assert (500, "internal") == (response.status, problem["code"])
    assert "secret" not in str(problem)
