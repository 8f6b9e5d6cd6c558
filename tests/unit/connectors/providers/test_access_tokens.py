"""Access tokens: asked for once, renewed in time by one task, and what calls get when there is none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt

from connectors.providers.access_tokens import AGAIN_MS, EARLY_MS, GRANT, AccessTokens, service_account
from connectors.providers.http_call import HttpCalls, Reply
from connectors.providers.port import Answer
from schemas.words import Reason, Verdict
from tests.contract import push_rigs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

ACCOUNT = service_account(push_rigs.service_account("https://issuer.test"))
HOUR = 3_600_000


class Issuer(HttpCalls):
    """Answers like a token endpoint; `gate` holds answers back."""

    def __init__(self) -> None:
        super().__init__({}, timeout_ms=1, connections=1)
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[bytes] = []
        self.reply: Reply | Answer | None = None

    async def post(self, url: str | URL, body: Mapping[str, Any] | bytes, headers: Mapping[str, str]) -> Any:
        assert "https://issuer.test/fcm/token" == url
        assert "application/x-www-form-urlencoded" == headers["Content-Type"]
        assert isinstance(body, bytes)
        self.asked.append(body)
        await self.gate.wait()
        token = f"ya29.{len(self.asked)}"
        return self.reply or Reply(200, {"access_token": token, "expires_in": 3600}, None)


class Rig:
    def __init__(self) -> None:
        self.issuer = Issuer()
        self.now = 1_700_000_000_000
        self.tokens = AccessTokens(ACCOUNT, "the scope", self.issuer, lambda: self.now)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_assertion_says_who_asks_for_what_and_is_signed(rig: Rig) -> None:
    assert "ya29.1" == await rig.tokens.get()
    form = dict(pair.split("=") for pair in rig.issuer.asked[0].decode().split("&"))
    assert GRANT.replace(":", "%3A") == form["grant_type"]
    token = jwt.decode(form["assertion"], push_rigs.FCM_KEY, algorithms=["RS256"])
    assert {"alg": "RS256", "typ": "JWT", "kid": "k1"} == token.header
    expected = {
        "iss": "sender@carillon-test.test",
        "scope": "the scope",
        "aud": "https://issuer.test/fcm/token",
        "iat": 1_700_000_000,
        "exp": 1_700_003_600,
    }
    assert expected == token.claims


async def test_many_calls_wait_for_one_renewal(rig: Rig) -> None:
    tokens = await asyncio.gather(*(rig.tokens.get() for _ in range(100)))
    assert ({"ya29.1"}, 1) == (set(tokens), len(rig.issuer.asked))


async def test_a_call_that_is_cancelled_takes_the_token_from_nobody(rig: Rig) -> None:
    rig.issuer.gate.clear()
    first, second = (asyncio.create_task(rig.tokens.get()) for _ in range(2))
    await settled()
    first.cancel()
    rig.issuer.gate.set()
    assert "ya29.1" == await second
    assert first.cancelled()


async def test_near_its_end_a_token_is_renewed_while_calls_go_on_with_it(rig: Rig) -> None:
    await rig.tokens.get()
    rig.now += HOUR - EARLY_MS
    rig.issuer.gate.clear()
    assert ["ya29.1", "ya29.1"] == [await rig.tokens.get(), await rig.tokens.get()]
    rig.issuer.gate.set()
    await settled()
    assert ("ya29.2", 2) == (await rig.tokens.get(), len(rig.issuer.asked))


async def test_an_issuer_that_is_away_costs_nothing_before_the_end(rig: Rig) -> None:
    await rig.tokens.get()
    rig.now += HOUR - EARLY_MS
    rig.issuer.reply = Reply(503, {}, None)
    assert "ya29.1" == await rig.tokens.get()
    await settled()
    assert "ya29.1" == await rig.tokens.get()
    assert 2 == len(rig.issuer.asked)
    rig.now += EARLY_MS
    gone = await rig.tokens.get()
    assert isinstance(gone, Answer)
    assert (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE) == (gone.verdict, gone.reason)


async def test_after_a_failure_the_issuer_is_left_alone_for_a_moment(rig: Rig) -> None:
    rig.issuer.reply = Reply(500, {}, None)
    answers = [await rig.tokens.get() for _ in range(3)]
    assert (1, 1) == (len(rig.issuer.asked), len({str(answer) for answer in answers}))
    rig.now += AGAIN_MS
    rig.issuer.reply = None
    assert "ya29.2" == await rig.tokens.get()


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(400, {"error": "invalid_grant"}, None), Verdict.MISCONFIGURED),
        (Reply(401, {"error": "invalid_client"}, None), Verdict.MISCONFIGURED),
        (Reply(200, {}, None), Verdict.MISCONFIGURED),
        (Reply(200, {"access_token": "a\nb", "expires_in": 3600}, None), Verdict.MISCONFIGURED),
        (Reply(200, {"access_token": "a", "expires_in": 0}, None), Verdict.MISCONFIGURED),
        (Reply(429, {}, None), Verdict.TEMPORARY),
        (Reply(500, {}, None), Verdict.TEMPORARY),
        (Reply(503, {}, None), Verdict.TEMPORARY),
        (Answer(Verdict.HIDDEN, Reason.ANSWER_HIDDEN, "TimeoutError"), Verdict.TEMPORARY),
        (Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE), Verdict.TEMPORARY),
    ],
)
async def test_no_token_is_never_hidden_for_nothing_was_sent(
    rig: Rig, reply: Reply | Answer, verdict: Verdict
) -> None:
    rig.issuer.reply = reply
    answer = await rig.tokens.get()
    assert isinstance(answer, Answer)
    assert verdict == answer.verdict


async def test_a_refused_token_is_asked_for_again_unless_it_is_new(rig: Rig) -> None:
    assert "ya29.1" == await rig.tokens.get()
    assert not rig.tokens.forget("ya29.1")
    rig.now += 60_000
    assert rig.tokens.forget("ya29.1")
    assert "ya29.2" == await rig.tokens.get()
    assert rig.tokens.forget("ya29.1")
    assert "ya29.2" == await rig.tokens.get()


async def test_a_refused_token_is_asked_for_again_even_if_the_clock_went_back(rig: Rig) -> None:
    assert "ya29.1" == await rig.tokens.get()
    rig.now -= HOUR
    assert rig.tokens.forget("ya29.1")


async def test_closing_ends_a_renewal_under_way(rig: Rig) -> None:
    rig.issuer.gate.clear()
    call = asyncio.create_task(rig.tokens.get())
    await settled()
    await rig.tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await call
