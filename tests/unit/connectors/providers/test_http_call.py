"""HttpCalls and the reading of answers, against a server that says what a test wants."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.providers.fake_http import FakeSms
from connectors.providers.http_call import ANSWER_BYTES, MAX_RETRY_AFTER_MS, retry_after_ms
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
