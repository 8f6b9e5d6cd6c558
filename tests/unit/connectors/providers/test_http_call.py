"""HttpCalls and the reading of answers, against a server that says what a test wants."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.providers.fake_http import FakeSms
from connectors.providers.http_call import ANSWER_BYTES, MAX_RETRY_AFTER_MS, HttpCalls, Reply, retry_after_ms
from connectors.providers.port import scrubbed
from schemas.records import Content
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONTENT = Content(body="Код 1234")


@asynccontextmanager
async def vendor(status: int, body: bytes, **headers: str) -> AsyncIterator[FakeSms]:
    async def reply(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", reply)
    async with TestServer(app) as server:
        carrier = FakeSms("sms", {"url": str(server.make_url("/"))}, lambda: 0)
        try:
            yield carrier
        finally:
            await carrier.close()


@asynccontextmanager
async def saying(*pieces: bytes) -> AsyncIterator[str]:
    """A vendor that says these one after the other, and hangs up."""
    ended = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            writer.close()
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await ended.wait()
    server.close()
    await server.wait_closed()


def head(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length


LARGEST = b'{"a":"' + b"x" * (ANSWER_BYTES - 8) + b'"}'


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ((head(12), b'{"na', b'me":"x"}'), {"name": "x"}),
        ((head(13), b'{"name":"x"}'), {}),
        ((head(ANSWER_BYTES), LARGEST), {"a": "x" * (ANSWER_BYTES - 8)}),
        ((head(ANSWER_BYTES + 1), LARGEST, b" "), {}),
        ((b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", LARGEST, b" ", b" "), {}),
    ],
    ids=["in pieces", "cut", "largest", "too large", "too large, without an end"],
)
async def test_a_body_is_read_to_its_end_or_not_at_all(pieces: tuple[bytes, ...], expected: object) -> None:
    """Mutations tried: the first piece only; no look at the size of the whole: fail."""
    calls = HttpCalls({}, timeout_ms=5_000, connections=1)
    async with saying(*pieces) as url:
        reply = await calls.get(url)
        await calls.close()
    assert isinstance(reply, Reply)
    assert expected == reply.body


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b"not json", Verdict.ACCEPTED),
        (202, b'["a list"]', Verdict.ACCEPTED),
        (202, b'{"status": "a new word"}', Verdict.ACCEPTED),
        (202, b"x" * 100_000, Verdict.ACCEPTED),
        (301, b"", Verdict.MISCONFIGURED),
        (401, b"", Verdict.MISCONFIGURED),
        (404, b"", Verdict.MISCONFIGURED),
        (418, b"", Verdict.PERMANENT),
        (422, b'{"error": "rate_limited"}', Verdict.LIMITED),
        (429, b"", Verdict.LIMITED),
        (500, b"", Verdict.TEMPORARY),
        (503, b"<html>", Verdict.TEMPORARY),
        (504, b"", Verdict.HIDDEN),
        (599, b'{"error": 7}', Verdict.TEMPORARY),
    ],
)
async def test_word_decides_else_the_status_else_its_class(
    status: int, body: bytes, verdict: Verdict
) -> None:
    async with vendor(status, body) as carrier:
        assert verdict == (await carrier.send("+79161234567", CONTENT, "m-1:0")).verdict


async def test_gateway_timeout_to_a_question_means_ask_again() -> None:
    async with vendor(504, b"") as carrier:
        assert Verdict.TEMPORARY == (await carrier.ask("m-1:0")).verdict


async def test_url_that_is_none_is_misconfigured() -> None:
    carrier = FakeSms("sms", {"url": "http://"}, lambda: 0)
    answer = await carrier.send("+79161234567", CONTENT, "m-1:0")
    await carrier.close()
    assert answer.verdict is Verdict.MISCONFIGURED


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("7", 7_000),
        (" 0 ", 0),
        ("99999999999999999999", MAX_RETRY_AFTER_MS),
        ("Thu, 01 Jan 1970 00:00:30 GMT", 20_000),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("Thu, 01 Jan 99999999999999999999 00:00:30 GMT", None),
        ("Thu, 01 Jan 1970 00:00:30 +99999999999999999999", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, expected: int | None) -> None:
    assert expected == retry_after_ms(header, 10_000)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("550 <Anna@example.com> unknown", "550 <***> unknown"),
        ("550 bob@example.com unknown", "550 *** unknown"),
        ("no +7 (916) 123-45-67 here", "no *** here"),
        ("two\r\nlines\x00", "two lines"),
        ("5.1.1 code 550", "5.1.1 code 550"),
        ("x" * 500, "x" * 200),
        ("(b@c.d)@e.f,g@h", "***@***"),
        ("x" * ANSWER_BYTES, "x" * 200),  # took minutes, as each letter began a search to the end
        ("+" * ANSWER_BYTES + " a@b.c", "+" * 200),
    ],
)
def test_details_hold_no_addresses_and_no_control_characters(said: str, expected: str) -> None:
    assert expected == scrubbed(said, "anna@example.com")
