"""One message, any facts, any order: the same state, the same sums, and no way back."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json
from msgspec.structs import replace

from agents.settle import Memory, settle
from schemas.records import AttemptEnded, MessageQueued, MessageRow, NotificationEvent, StatsPartial
from schemas.words import RANK, Status
from tables.progress import Progress
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY, QUEUED, SECOND, T0, fact

Said = MessageQueued | AttemptEnded
KEY = QUEUED.message_id.encode()
STATUSES = ["unknown", "sent", "failed", "delivered", "opened", "clicked", "expired", "retrying"]

FACTS = st.lists(
    st.builds(
        lambda status, at, provider, attempt, cost: replace(
            fact(status, T0 + at, f"{status}@{at}@{provider}", provider),
            attempt=attempt,
            cost=cost if status == "sent" else None,
        ),
        status=st.sampled_from(STATUSES),
        at=st.integers(-SECOND, 9 * DAY),
        provider=st.sampled_from(["first", "second"]),
        attempt=st.integers(1, 6),
        cost=st.none() | st.integers(0, 9_000_000),
    ),
    max_size=12,
    unique_by=lambda said: said.event_id,
)
ORDERS = FACTS.flatmap(lambda facts: st.tuples(st.just(facts), st.permutations([QUEUED, *facts])))
RECEIVED = T0 + 8 * DAY
HOUR = 3_600_000


class Told:
    """A status task that takes what is said in batches of one, and what came of it."""

    def __init__(self, batches: list[list[Said]]) -> None:
        self.table = MemoryTable[bytes, Progress]()
        self.outcomes: list[Any] = []
        asyncio.run(self._take(batches))

    async def _take(self, batches: list[list[Said]]) -> None:
        for batch in batches:
            stream = FakeStream([FakeEvent(said, at=RECEIVED) for said in batch], now=RECEIVED)
            self.outcomes += [
                outcome async for outcome in settle(stream, Memory(self.table, MemoryTable(), MemoryTable()))
            ]

    def rows(self) -> list[MessageRow]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, MessageRow)]

    def events(self) -> list[str]:
        return [o.event_type for o in self.outcomes if isinstance(o, NotificationEvent)]

    def sums(self) -> dict[tuple[str, int, str | None, str], int]:
        sums: Counter[tuple[str, int, str | None, str]] = Counter()
        for outcome in self.outcomes:
            if isinstance(outcome, StatsPartial):
                window = (outcome.period, outcome.starts_at, outcome.provider_name)
                sums.update({(*window, metric): amount for metric, amount in outcome.counts.items()})
        return {cell: amount for cell, amount in sums.items() if amount}

    def of_the_day(self) -> dict[str, int]:
        """Sums over all days and providers, by metric."""
        sums: Counter[str] = Counter()
        for (period, _, _, metric), amount in self.sums().items():
            if period == "day":
                sums[metric] += amount
        return {metric: amount for metric, amount in sums.items() if amount}


def one_by_one(said: list[Said]) -> list[list[Said]]:
    return [[one] for one in said]


@pytest.mark.spec("NS-SND-OP-07")
@given(ORDERS)
def test_any_order_ends_in_the_same_progress_row_and_sums(orders: tuple[list[Said], list[Said]]) -> None:
    facts, shuffled = orders
    straight, other = Told(one_by_one([QUEUED, *facts])), Told(one_by_one(shuffled))
    assert straight.table.get(KEY) == other.table.get(KEY)
    assert straight.sums() == other.sums()
    assert straight.rows()[-1] == other.rows()[-1]


@given(ORDERS, st.integers(1, 5))
def test_the_size_of_batches_changes_no_sum(orders: tuple[list[Said], list[Said]], size: int) -> None:
    _, said = orders
    batches = [said[n : n + size] for n in range(0, len(said), size)]
    assert Told(one_by_one(said)).sums() == Told(batches).sums()


@given(ORDERS)
def test_a_repeat_of_everything_changes_and_tells_nothing(orders: tuple[list[Said], list[Said]]) -> None:
    facts, shuffled = orders
    once, twice = Told(one_by_one(shuffled)), Told(one_by_one([*shuffled, *facts, QUEUED]))
    assert once.table.get(KEY) == twice.table.get(KEY)
    assert once.outcomes == twice.outcomes


@given(ORDERS)
def test_a_status_never_goes_back_and_a_version_never_stands(orders: tuple[list[Said], list[Said]]) -> None:
    rows = Told(one_by_one(orders[1])).rows()
    ranks = [RANK[Status(row.status)] for row in rows]
    assert ranks == sorted(ranks)
    assert list(range(1, len(rows) + 1)) == [row.version for row in rows]


@pytest.mark.spec("NS-STAT-OP-01")
@given(ORDERS)
def test_each_metric_counts_a_message_at_most_once(orders: tuple[list[Said], list[Said]]) -> None:
    counted = Told(one_by_one(orders[1])).of_the_day()
    for metric in ("late", "cost_micros"):
        counted.pop(metric, None)
    assert set(counted.values()) <= {1}


@given(ORDERS)
def test_each_event_is_told_at_most_once(orders: tuple[list[Said], list[Said]]) -> None:
    events = Told(one_by_one(orders[1])).events()
    assert len(events) == len(set(events))


@st.composite
def heard(draw: st.DrawFn) -> list[tuple[AttemptEnded, int]]:
    """Facts in the order in which they arrive, each with the time of that."""
    told = draw(
        st.lists(
            st.tuples(st.sampled_from(STATUSES), st.integers(0, 20 * DAY), st.integers(0, 12 * DAY)),
            max_size=8,
        )
    )
    facts = [
        (fact(status, T0 + at, f"{n}", draw(st.sampled_from(["first", "second"]))), T0 + at + lag)
        for n, (status, at, lag) in enumerate(told)
    ]
    return sorted(facts, key=lambda pair: pair[1])


async def hours(said: list[tuple[AttemptEnded, int]]) -> list[tuple[StatsPartial, int]]:
    """The hours that each fact changes, with its time, and the last row of the message."""
    table = MemoryTable[bytes, Progress]()
    found: list[tuple[StatsPartial, int]] = []
    for value, at in [(QUEUED, T0), *said]:
        stream = FakeStream([FakeEvent(value, at=at)], now=at)
        outcomes = [one async for one in settle(stream, Memory(table, MemoryTable(), MemoryTable()))]
        found += [(one, at) for one in outcomes if isinstance(one, StatsPartial) and one.period == "hour"]
    return found


@pytest.mark.spec("NS-STAT-OP-02")
@given(heard())
def test_an_hour_is_final_seven_days_after_its_end(said: list[tuple[AttemptEnded, int]]) -> None:
    """`unknown` and `late` excepted: they tell of the pipeline, and are in no answer."""
    for partial, at in asyncio.run(hours(said)):
        named = set(partial.counts) - {"unknown", "late"}
        assert not named or at <= partial.starts_at + HOUR + 7 * DAY


@given(ORDERS)
def test_the_row_counts_what_the_statistics_count(orders: tuple[list[Said], list[Said]]) -> None:
    """Grouped by hour, provider and metric: what `notification_counts` makes of the rows in SQL."""
    told = Told(one_by_one(orders[1]))
    last = told.rows()[-1]
    counted: Counter[tuple[int, str | None, str]] = Counter()
    for metric, at, provider in json.decode(last.counted):
        counted[at - at % HOUR, provider, metric] += 1
        if metric == "priced":
            counted[at - at % HOUR, provider, "cost_micros"] += last.cost or 0
    sums = {cell[1:]: amount for cell, amount in told.sums().items() if cell[0] == "hour"}
    assert {cell: amount for cell, amount in counted.items() if amount} == sums
