"""Account Service, asked over HTTP: its fake, its faults, its pauses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from connectors.account_metrics import AccountMetrics
from connectors.accounts import LONGEST_PAUSE_MS, MOST_FAILURES, AccountConfig, AccountService, Breaker
from connectors.fake.server import FakeSettings, running
from schemas.account_words import Told
from schemas.records import ContactsAnswered, ContactsAsked
from tests.fakes import PlainCipher
from tests.requests import REQUEST, USER

CALL = ContactsAsked(request=REQUEST)
OTHER = ContactsAsked(request=replace(REQUEST, user_id="9f8fad5b-d9cb-469f-a165-70867728950e"))
KNOWN = {"email": "anna@example.com", "phone": "+79001234567", "language": "ru", "more": 1}


class Desk:
    """The service's client, its fake, and a clock that the test moves."""

    def __init__(self, url: str, **config: Any) -> None:
        self.url = url
        self.now = 1_000_000
        self.registry = CollectorRegistry()
        given = AccountConfig(url, **{"timeout_ms": 5_000, **config})
        self.accounts = AccountService(given, PlainCipher(), AccountMetrics(self.registry), lambda: self.now)

    async def put(self, contacts: Any) -> None:
        url = f"{self.url}/api/v1/users/{USER}/contacts"
        async with ClientSession() as session, session.put(url, json=contacts) as answer:
            assert 204 == answer.status

    async def script(self, **rule: Any) -> None:
        rule = {"channel": "account", **rule}
        async with ClientSession() as session, session.post(f"{self.url}/script", json=rule) as answer:
            assert 201 == answer.status

    async def ask(self) -> ContactsAnswered:
        """A question of a while later than the last one."""
        self.now += 2_000
        return await self.accounts.perform(CALL)

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def counted(self, outcome: str) -> float | None:
        return self.sample("carillon_account_calls_total", result=outcome)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with running(FakeSettings(), lambda: 0) as fake:
        yield fake.url


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    made = Desk(url)
    yield made
    await made.accounts.close()


@pytest.mark.spec("NS-EVT-041")
async def test_what_is_known_comes_sealed(desk: Desk) -> None:
    """NS-EVT-041."""
    await desk.put(KNOWN)
    said = await desk.ask()
    assert (Told.FOUND, b"sealed:anna@example.com", b"sealed:+79001234567", "ru", None) == (
        said.verdict,
        said.email,
        said.phone,
        said.language,
        said.timezone,
    )


async def test_a_user_it_does_not_know_is_an_answer(desk: Desk) -> None:
    assert Told.UNKNOWN == (await desk.ask()).verdict
    assert 1.0 == desk.counted("unknown")


@pytest.mark.parametrize(
    "fault", [{"fault": "refuse"}, {"fault": "drop"}, {"fault": "refuse", "word": "unauthorized"}]
)
async def test_whatever_else_it_says_it_is_away(desk: Desk, fault: dict[str, str]) -> None:
    await desk.script(**fault)
    assert Told.AWAY == (await desk.ask()).verdict


@pytest.mark.parametrize("body", [{"email": 5}, [], {}])
async def test_what_cannot_be_read_is_no_answer(desk: Desk, body: Any) -> None:
    await desk.put(body)
    assert Told.AWAY == (await desk.ask()).verdict


async def test_of_an_answer_only_what_is_usable_is_taken(desk: Desk) -> None:
    """Mutation: no bounds: 60 KiB of language would stand in each row of the user's messages."""
    await desk.put({**KNOWN, "language": "x" * 11, "timezone": "Europe/Moscow\n", "phone": ""})
    said = await desk.ask()
    assert (Told.FOUND, b"sealed:anna@example.com", None, None, None) == (
        said.verdict,
        said.email,
        said.phone,
        said.language,
        said.timezone,
    )


@pytest.mark.spec("NS-EVT-OP-07")
async def test_a_service_that_hangs_is_left_at_its_deadline(url: str) -> None:
    """Mutation: no deadline: the fake holds the call for two minutes."""
    desk = Desk(url, timeout_ms=50)
    await desk.script(fault="hang")
    assert Told.AWAY == (await desk.ask()).verdict
    await desk.accounts.close()


async def test_a_defect_of_ours_is_a_failure_and_not_a_question_without_end(url: str) -> None:
    """Mutation: it is raised: the engine calls that hidden, and a hidden question is put again at once."""
    desk = Desk(url, token="no header\n")
    assert Told.AWAY == (await desk.ask()).verdict
    assert 1.0 == desk.counted("failed")
    await desk.accounts.close()


@pytest.mark.spec("NS-EVT-OP-07")
async def test_after_five_failures_it_has_a_pause_and_then_one_question(desk: Desk) -> None:
    """Mutation: no breaker: each request to a new user would wait for the deadline."""
    await desk.put(KNOWN)
    await desk.script(fault="refuse", times=MOST_FAILURES)
    for _ in range(MOST_FAILURES):
        assert Told.AWAY == (await desk.ask()).verdict
    assert Told.AWAY == (await desk.accounts.perform(CALL)).verdict
    assert (5.0, 1.0) == (desk.counted("failed"), desk.counted("paused"))
    assert 1.0 == desk.sample("carillon_account_breaker_open")
    assert Told.FOUND == (await desk.ask()).verdict
    assert 0.0 == desk.sample("carillon_account_breaker_open")


async def test_beyond_its_connections_a_question_is_not_put(url: str) -> None:
    """Mutation: it waits for a place: a slow service would hold all inputs of the stage."""
    desk = Desk(url, timeout_ms=200, connections=1)
    await desk.script(fault="hang")
    slow = asyncio.create_task(desk.ask())
    await asyncio.sleep(0)
    assert Told.AWAY == (await desk.accounts.perform(OTHER)).verdict
    assert 1.0 == desk.counted("busy")
    await slow
    await desk.accounts.close()


async def test_requests_that_come_together_ask_once(desk: Desk) -> None:
    await desk.put(KNOWN)
    first = await desk.ask()
    second = await desk.accounts.perform(replace(CALL, waited_for="contact"))
    assert replace(first, call=replace(CALL, waited_for="contact")) == second
    assert (1.0, 1.0) == (desk.counted("found"), desk.counted("remembered"))


def test_pauses_grow_and_have_an_end() -> None:
    breaker, now = Breaker(), 0
    for _ in range(MOST_FAILURES):
        breaker.failed(now)
    pauses = []
    for _ in range(8):
        began = now
        while not breaker.lets(now):
            now += 500
        breaker.failed(now)
        pauses.append(now - began)
    assert sorted(pauses) == pauses
    assert [1_000, LONGEST_PAUSE_MS] == [pauses[0], pauses[-1]]
    breaker.answered()
    assert breaker.lets(now)
