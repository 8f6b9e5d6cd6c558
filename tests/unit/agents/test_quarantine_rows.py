"""Where a step of the quarantine looks: behind what went before, and at nothing that must stay."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from agents import quarantine as stage
from schemas.quarantine_words import Order
from schemas.records import RequestFreed, RequestReceived
from tables.flows import State
from tests.fakes import MemoryTable
from tests.flows import aside, counted, due, ordered, request, task


@dataclass
class Watched(MemoryTable[bytes, RequestReceived]):
    """Notes behind which row each scan begins."""

    begins: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def scan(
        self, prefix: bytes, after: bytes = b"", limit: int = 1_000
    ) -> list[tuple[bytes, RequestReceived]]:
        self.begins.append(after)
        return super().scan(prefix, after, limit)


async def test_each_step_begins_behind_what_went_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each would look at the tombstones of all. Mutation tried: from the prefix: fails."""
    monkeypatch.setattr(stage, "STEP", 2)
    watched = Watched()
    one = task(state=State.HELD)
    one.held = watched
    await one.tell(*(aside(number) for number in range(5)))
    places = sorted(watched.rows)
    assert [] == watched.begins
    for order in ([ordered(Order.RELEASE)], [], []):
        await one.tell(*order, due(one.now))
        one.now += 1
    assert [places[0][:-8], places[1], places[3]] == watched.begins
    assert {} == watched.rows


async def test_what_comes_with_an_earlier_end_while_a_row_leaves_is_not_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutation tried: the bound is never lowered: it waits for ever."""
    monkeypatch.setattr(stage, "STEP", 1)
    one = task(state=State.HELD)
    await one.tell(*(aside(number) for number in range(3)))
    await one.tell(ordered(Order.RELEASE))
    one.now += 1
    told = await one.tell(due(one.now), aside(3, one.now + 9_000))
    assert [request(3), request(1)] == [each.request for each in told if isinstance(each, RequestFreed)]


async def test_nothing_is_looked_at_while_nothing_of_what_is_held_can_be_too_old() -> None:
    watched = Watched()
    one = task(state=State.HELD)
    one.held = watched
    soon = one.now + 500
    await one.tell(aside(1), aside(2, soon))
    one.now = soon - 1
    await one.tell(aside(3), counted(5))
    assert [] == watched.begins
    one.now = soon
    await one.tell(due(soon))
    await one.tell(aside(4))
    assert 1 == len(watched.begins)


@pytest.mark.spec("NS-SEC-OP-07")
async def test_a_reject_ends_what_waited_and_nothing_that_comes_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutations tried: all that is found goes: fails; the bound goes on with the look: 6 waits for ever."""
    monkeypatch.setattr(stage, "STEP", 2)
    one = task(state=State.HELD)
    await one.tell(*(aside(number) for number in range(5)))
    soon = one.now + 5_000
    told = await one.tell(ordered(Order.REJECT), aside(5))
    for late in ([aside(6, soon)], [aside(7)], []):
        one.now += 1
        told += await one.tell(due(one.now), *late)
    rejected = [RequestFreed(request=request(number), is_rejected=True) for number in range(5)]
    assert rejected == [each for each in told if isinstance(each, RequestFreed)]
    assert (State.HELD, 3) == (one.flow.state, one.flow.waiting)
    one.now = soon
    told = await one.tell(due(soon))
    assert RequestFreed(request=request(6), is_expired=True) == told[0]
    told = await one.tell(ordered(Order.RELEASE))
    assert [request(5), request(7)] == [each.request for each in told if isinstance(each, RequestFreed)]


async def test_a_second_reject_ends_what_came_since_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: it looks from where the first one was: 1 stays."""
    monkeypatch.setattr(stage, "STEP", 1)
    one = task(state=State.HELD)
    await one.tell(aside(0))
    told = await one.tell(ordered(Order.REJECT), aside(1), aside(2))
    told += await one.tell(ordered(Order.REJECT))
    while one.flow.state == State.REJECTING:
        one.now += 1
        told += await one.tell(due(one.now))
    assert [request(n) for n in range(3)] == [each.request for each in told if isinstance(each, RequestFreed)]
    assert {} == one.held.rows
