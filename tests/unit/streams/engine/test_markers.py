"""When the next transaction may begin (streams/engine/markers.py)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import ConcurrentTransactions, NoError
from aiokafka.producer import sender
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.structs import TopicPartition

from streams.engine import markers as module
from streams.engine.markers import FACTOR, FIRST_S, LONGEST_S, Markers

TP = TopicPartition("t", 0)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_waits_grow_up_to_the_longest_and_begin_anew_with_the_next_transaction() -> None:
    """Mutation tried: `begun` forgets no wait: fails."""
    markers = Markers(Clock())
    waits = [markers.refused() for _ in range(20)]
    assert [FIRST_S, FIRST_S * FACTOR] == waits[:2]
    assert waits[-1] == LONGEST_S
    markers.begun()
    assert FIRST_S == markers.refused()


def test_a_task_rests_as_long_as_its_brokers_took_and_less_when_they_are_faster() -> None:
    """Mutations tried: learned from each begin, refused or not: fails; nothing forgotten: fails."""
    clock = Clock()
    markers = Markers(clock)
    assert markers.rest_s(urgent=False) <= 0, "nothing is known yet"
    markers.committed()
    markers.refused()
    clock.now += 0.4
    markers.begun()
    clock.now += 5.0
    markers.committed()
    assert pytest.approx(0.4) == markers.rest_s(urgent=False)
    clock.now += 3.0
    assert markers.rest_s(urgent=False) < 0
    markers.begun()
    markers.committed()
    assert pytest.approx(0.4 * module.SHRINK) == markers.rest_s(urgent=False), (
        "it was let in at once, after three seconds"
    )


def test_what_is_urgent_hardly_waits_for_markers_that_are_probably_not_written() -> None:
    """One hiccup would hold a task's high lane for half a second, and its next transactions nearly as long.

    Mutation tried: as long as the others: fails.
    """
    clock = Clock()
    markers = Markers(clock)
    markers.committed()
    markers.refused()
    clock.now += 0.4
    markers.begun()
    markers.committed()
    assert pytest.approx(module.MOST_URGENT_S) == markers.rest_s(urgent=True)
    assert pytest.approx(0.4) == markers.rest_s(urgent=False)


def test_a_broker_that_was_away_once_does_not_make_the_task_rest_for_as_long_again() -> None:
    """Mutation tried: no longest rest: fails."""
    clock = Clock()
    markers = Markers(clock)
    markers.committed()
    markers.refused()
    clock.now += 60.0
    markers.begun()
    markers.committed()
    assert markers.rest_s(urgent=False) <= module.MOST_S


def handler(markers: Markers | None, *, added: bool = False) -> Any:
    """A handler of aiokafka's for a transaction's partitions, as the sender makes it."""
    manager = TransactionManager("id", 60_000)
    if added:
        manager._txn_partitions.add(TopicPartition("other", 1))
    manager._pending_txn_partitions.add(TP)
    parts = {} if markers is None else {"markers": markers}
    made = SimpleNamespace(_retry_backoff=0.01, _txn_manager=manager, **parts)
    return sender.AddPartitionsToTxnHandler(made, [TP])


def answer(error: type[Exception]) -> Any:
    """What a coordinator says."""
    return SimpleNamespace(errors=[("t", [(0, error.errno)])])  # type: ignore[attr-defined]


async def test_a_refused_first_request_waits_as_the_markers_ask_until_it_is_let_in() -> None:
    """Mutations tried: aiokafka's own handler: fails; `begun` never called: fails."""
    clock = Clock()
    markers = Markers(clock)
    one = handler(markers)
    assert FIRST_S == one.handle_response(answer(ConcurrentTransactions))
    assert FIRST_S * FACTOR == one.handle_response(answer(ConcurrentTransactions))
    clock.now += 0.3
    assert one.handle_response(answer(NoError)) is None
    markers.committed()
    assert pytest.approx(0.3) == markers.rest_s(urgent=False)


async def test_later_requests_of_a_transaction_and_other_producers_are_left_to_aiokafka() -> None:
    """Mutation tried: every request is taken for the first: fails."""
    markers = Markers(Clock())
    assert handler(markers, added=True).handle_response(answer(ConcurrentTransactions)) == 0.01
    assert handler(None).handle_response(answer(ConcurrentTransactions)) == sender.BACKOFF_OVERRIDE
    assert FIRST_S == markers.refused(), "nothing was counted"


async def test_offsets_may_come_first() -> None:
    """Mutation tried: the handler of offsets left as it was: fails."""
    markers = Markers(Clock())
    made = SimpleNamespace(
        _retry_backoff=0.01, _txn_manager=TransactionManager("id", 60_000), markers=markers
    )
    one = sender.AddOffsetsToTxnHandler(made, "group")
    assert FIRST_S == one.handle_response(SimpleNamespace(error_code=ConcurrentTransactions.errno))
