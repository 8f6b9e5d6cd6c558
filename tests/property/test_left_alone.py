"""Many messages, two providers that fail at times, breakers between: decisions and breakers together."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from agents.deliver import Input, decide, task_of
from agents.serve import Choice, moment_of
from connectors.provider_metrics import BreakerMetrics
from connectors.providers.breaker import Terms
from connectors.providers.breakers import Breakers
from schemas.records import AttemptEnded, CallEnded, Provider, ProviderCall, RetryDue
from schemas.words import Verdict
from tests.fakes import MemoryReference
from tests.messages import SECOND, T0, TASK

TERMS = Terms(calls=4, window_ms=30 * SECOND, pause_ms=30 * SECOND, misconfigured_pause_ms=60 * SECOND)
PROVIDERS = [Provider(name=name, channel_type=TASK.channel, kind="smtp") for name in ("first", "second")]
BAD = st.sampled_from([Verdict.TEMPORARY, Verdict.HIDDEN, Verdict.MISCONFIGURED])
OUTAGES = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 200), BAD), max_size=3)
SPENDING = {Verdict.TEMPORARY, Verdict.HIDDEN}


@dataclass
class World:
    """A queue of what is to be decided or called, in order of time; `outages` in s, by provider."""

    outages: dict[str, list[tuple[int, int, Verdict]]]
    now: int = T0
    queue: list[tuple[int, int, Input | ProviderCall]] = field(default_factory=list)
    facts: list[AttemptEnded] = field(default_factory=list)
    made: list[tuple[int, ProviderCall, Verdict]] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        metrics = BreakerMetrics(CollectorRegistry())
        self.breakers = Breakers(self._answer, lambda _: PROVIDERS, lambda: self.now, metrics, TERMS)
        self.reference = MemoryReference(active=PROVIDERS)

    async def _answer(self, call: ProviderCall) -> CallEnded:
        verdict = Verdict.ACCEPTED
        for began, lasts, bad in self.outages[call.provider]:
            if began * SECOND <= self.now - T0 < (began + lasts) * SECOND:
                verdict = bad
        self.made.append((self.now, call, verdict))
        return CallEnded(call=call, verdict=verdict)

    def add(self, at: int, step: Input | ProviderCall) -> None:
        heappush(self.queue, (at, next(self.numbers), step))

    async def run(self) -> None:
        """Until nothing follows."""
        while self.queue:
            self.now, _, step = heappop(self.queue)
            if isinstance(step, ProviderCall):
                self.add(self.now + 20, await self.breakers.perform(step))
                continue
            moment = moment_of(task_of(step), self.now, self.reference, Choice(self.breakers))
            for outcome in decide(step, moment):
                match outcome:
                    case AttemptEnded():
                        self.facts.append(outcome)
                    case RetryDue():
                        self.add(outcome.due_at, outcome)
                    case ProviderCall():
                        self.add(self.now + 20, outcome)
                    case _:
                        raise AssertionError(outcome)


def played(outages: dict[str, list[tuple[int, int, Verdict]]], many: int, gap_ms: int) -> World:
    """A feed of `many` messages that live for a quarter of an hour."""
    world = World(outages)
    for number in range(many):
        at = T0 + number * gap_ms
        world.add(at, replace(TASK, message_id=f"m-{number}", expires_at=at + 900 * SECOND))
    asyncio.run(world.run())
    return world


def ends_of(world: World) -> dict[str, list[tuple[str, str | None]]]:
    """Of each message the facts that end it."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for fact in world.facts:
        if fact.status != "retrying" and fact.reason != "answer_hidden":
            found.setdefault(fact.message_id, []).append((fact.status, fact.reason))
    return found


@pytest.mark.spec("NS-OPS-041 NS-SND-OP-13")
@given(OUTAGES, OUTAGES, st.integers(1, 40), st.integers(0, 5_000))
def test_every_message_ends_once_and_pays_only_for_calls_that_were_made(
    first: list[tuple[int, int, Verdict]], second: list[tuple[int, int, Verdict]], many: int, gap_ms: int
) -> None:
    world = played({"first": first, "second": second}, many, gap_ms)
    ends = ends_of(world)
    assert {f"m-{number}": 1 for number in range(many)} == {name: len(each) for name, each in ends.items()}
    for name in ends:
        paid = [verdict for _, call, verdict in world.made if call.task.message_id == name]
        attempts = [call.task.attempt for _, call, _ in world.made if call.task.message_id == name]
        assert attempts == sorted(attempts)
        assert max(attempts, default=1) <= 1 + sum(verdict in SPENDING for verdict in paid)


@pytest.mark.spec("NS-OPS-043")
@given(OUTAGES, st.integers(20, 60), st.integers(0, 2_000))
def test_what_the_first_does_not_take_goes_by_the_second_and_nothing_is_lost(
    first: list[tuple[int, int, Verdict]], many: int, gap_ms: int
) -> None:
    """But for one whose attempts stayed hidden: a repeat goes to the same provider while that is not out."""
    world = played({"first": first, "second": []}, many, gap_ms)
    spent = Counter(call.task.message_id for _, call, verdict in world.made if verdict in SPENDING)
    ends = {name: each for name, each in ends_of(world).items() if spent[name] < TASK.max_attempts}
    assert {("sent", None)} >= {end for each in ends.values() for end in each}


@pytest.mark.spec("NS-OPS-041")
@given(st.integers(60, 500), st.integers(20, 60))
def test_an_outage_of_all_ends_no_message_that_did_not_feel_it(lasts: int, many: int) -> None:
    """All but the few that found it out wait, and are sent when it is over."""
    outage = [(0, lasts, Verdict.TEMPORARY)]
    world = played({"first": outage, "second": outage}, many, 100)
    felt = {call.task.message_id for at, call, _ in world.made if at - T0 < lasts * SECOND}
    ends = ends_of(world)
    assert {("sent", None)} >= {end for name, each in ends.items() if name not in felt for end in each}
    tries = sum(at - T0 < lasts * SECOND for at, _, _ in world.made)
    assert tries <= 2 * (TERMS.calls + many // 10 + lasts // 30 + 2)


@pytest.mark.spec("NS-OPS-OP-06")
@given(st.integers(1, 120))
def test_a_provider_that_is_back_gets_its_messages_again(lasts: int) -> None:
    world = played({"first": [(0, lasts, Verdict.TEMPORARY)], "second": []}, 400, 500)
    last = [call.provider for _, call, _ in world.made[-10:]]
    assert ["first"] * 10 == last
