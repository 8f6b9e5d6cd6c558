"""Questions to a resolver of audience queries: the fake one, and one that fails (AUD-OP-04)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors import resolver as module
from connectors.fake.resolver import RESOLVE_PATH, resolve
from connectors.http.audience.ports import AudienceQuery, UnresolvedError
from connectors.resolver import HttpResolver, ResolverAccess
from connectors.signatures import key_of

NOW = 1_800_000_000_000
KEY = b"k" * 24
LINK = "https://yql.carillon.test/users?yandex_uid=4001&phone_id=5b2c"


class Outside:
    """A resolver that says what a test wants, and keeps what it was asked."""

    def __init__(self, *statuses: int, body: bytes = b'{"users": []}') -> None:
        self.statuses = list(statuses)
        self.body = body
        self.hangs = False
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.pauses: list[float] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((dict(request.headers), await request.read()))
        if self.hangs:
            await asyncio.Event().wait()
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, body=self.body, headers={"Location": "/elsewhere"})

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@asynccontextmanager
async def resolver(handler: Any, outside: Outside | None = None, **access: Any) -> AsyncIterator[Any]:
    """Asks what is served by the handler."""
    app = web.Application()
    app.router.add_post(RESOLVE_PATH, handler)
    async with TestServer(app) as server:
        given = ResolverAccess(str(server.make_url(RESOLVE_PATH)), **access)
        one = HttpResolver(given, lambda: NOW, *([outside.pause] if outside else []))
        try:
            yield one
        finally:
            await one.close()


def query(link: str = LINK) -> AudienceQuery:
    return AudienceQuery("q-1", "comm-general", link)


@pytest.mark.spec("AUD-OP-04")
async def test_the_fake_one_answers_whom_the_link_names() -> None:
    async with resolver(resolve) as one:
        users = json.loads(await one(query()))["users"]
    assert [{"id_type": "yandex_uid", "id": "4001"}, {"id_type": "phone_id", "id": "5b2c"}] == users


@pytest.mark.parametrize("path", ["/elsewhere", "/fault/403", "/fault/503", "/fault/x"])
async def test_the_fake_one_fails_as_the_link_says(path: str) -> None:
    async with resolver(resolve, Outside(), attempts=1) as one:
        with pytest.raises(UnresolvedError):
            await one(query(f"https://yql.carillon.test{path}"))


async def test_a_question_is_signed_so_that_the_resolver_can_check_it() -> None:
    """As Standard Webhooks says it. Mutation tried: the body not signed: fails."""
    outside = Outside()
    async with resolver(outside.answer, key=KEY) as one:
        await one(query())
    ((headers, body),) = outside.asked
    assert {"yql_link": LINK, "promotion_id": "comm-general"} == json.loads(body)
    assert ("q-1", str(NOW // 1000)) == (headers["webhook-id"], headers["webhook-timestamp"])
    signed = hmac.new(KEY, f"q-1.{NOW // 1000}.".encode() + body, hashlib.sha256).digest()
    assert "v1," + base64.b64encode(signed).decode() == headers["webhook-signature"]


@pytest.mark.spec("AUD-OP-04")
@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_what_says_not_now_is_asked_again_after_growing_pauses(status: int) -> None:
    outside = Outside(status, status, 200, body=b"{}")
    async with resolver(outside.answer, outside) as one:
        assert b"{}" == await one(query())
    assert [0.25, 0.5] == outside.pauses
    assert 1 == len({body for _, body in outside.asked})


@pytest.mark.spec("AUD-OP-04")
async def test_after_so_many_attempts_it_is_given_up() -> None:
    outside = Outside(*[503] * 9)
    async with resolver(outside.answer, outside, attempts=3) as one:
        with pytest.raises(UnresolvedError, match="asked 3 times: it answered 503"):
            await one(query())
    assert 3 == len(outside.asked)


@pytest.mark.parametrize("status", [302, 204, 400, 403, 404])
async def test_any_other_answer_ends_it_at_once(status: int) -> None:
    """A redirect is not followed: the operator names where it is asked."""
    outside = Outside(status)
    async with resolver(outside.answer, outside) as one:
        with pytest.raises(UnresolvedError, match=f"it answered {status}"):
            await one(query())
    assert 1 == len(outside.asked)


async def test_who_does_not_answer_in_time_is_asked_again() -> None:
    """Mutation tried: no time-out: waits for ever."""
    outside = Outside()
    outside.hangs = True
    async with resolver(outside.answer, outside, timeout_ms=50, attempts=2) as one:
        with pytest.raises(UnresolvedError, match="asked 2 times: TimeoutError"):
            await one(query())


async def test_nobody_there_is_no_answer() -> None:
    outside = Outside()
    one = HttpResolver(ResolverAccess("http://127.0.0.1:1/", attempts=1), lambda: NOW, outside.pause)
    with pytest.raises(UnresolvedError, match="ClientConnectorError"):
        await one(query())
    await one.close()


async def test_an_address_that_is_none_is_told_as_that() -> None:
    one = HttpResolver(ResolverAccess("http://[", attempts=3), lambda: NOW)
    with pytest.raises(UnresolvedError, match="URL"):
        await one(query())
    await one.close()


@pytest.mark.parametrize(("largest", "values"), [(9, 100), (100, 2)])
async def test_no_more_is_read_than_a_place_holds(
    monkeypatch: pytest.MonkeyPatch, largest: int, values: int
) -> None:
    """Mutation tried: either bound taken away: fails."""
    monkeypatch.setattr(module, "LARGEST_LIST", largest)
    monkeypatch.setattr(module, "MOST_VALUES", values)
    async with resolver(Outside(body=b"[1, 2, 3, 4]").answer) as one:
        with pytest.raises(UnresolvedError, match="too long"):
            await one(query())


def test_a_secret_is_a_key_in_base64() -> None:
    assert KEY == key_of("whsec_" + base64.b64encode(KEY).decode() + "\n")
    for wrong in ("", "whsec_", base64.b64encode(KEY).decode(), "whsec_a-b", "whsec_" + "AAAA" * 22):
        with pytest.raises(ValueError, match="whsec_"):
            key_of(wrong)
