"""Rows of timers and effects in a real store (design rules 14, 15)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streams.engine import inner
from streams.engine.api import LATER, Event
from streams.engine.store import Origin, Store, StoreMemory
from streams.engine.tables import Overlay
from streams.engine.timers import Timers
from tests.unit.streams.engine.desks import EFFECT, TIMER, Call, Later

NOW = 1_000
HEADERS = (("traceparent", b"t"),)


class Rows:
    """A store and its commits."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path, StoreMemory(1 << 20, 1 << 20))
        self.committed = 0

    def overlay(self) -> Overlay:
        return Overlay(self.store, NOW)

    def commit(self, overlay: Overlay) -> None:
        self.committed += 1
        self.store.write(overlay.writes.items(), Origin(b"birth", self.committed, NOW))

    def set(self, *timers: Later) -> list[int]:
        overlay = self.overlay()
        at = [inner.set_timer(TIMER, timer, HEADERS, overlay) for timer in timers]
        self.commit(overlay)
        return at

    def end(self, *timers: Later) -> list[int]:
        overlay = self.overlay()
        ending = replace(TIMER, encode=lambda _: None)
        at = [inner.set_timer(ending, timer, HEADERS, overlay) for timer in timers]
        self.commit(overlay)
        return at

    def fire(self, events: list[Event]) -> None:
        overlay = self.overlay()
        for event in events:
            inner.settle(event, overlay)
        self.commit(overlay)


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    opened = Rows(tmp_path / "store")
    yield opened
    opened.store.close()


def ids(events: list[Event]) -> list[bytes | None]:
    return [event.raw for event in events]


def test_timers_come_by_their_time_and_only_when_it_has_come(rows: Rows) -> None:
    assert [NOW, 5, NOW + 1, 700, 0] == rows.set(
        Later(b"now", NOW),
        Later(b"early", 5),
        Later(b"next", NOW + 1),
        Later(b"mid", 700),
        Later(b"past", -9),
    )
    due, bound = inner.due_timers(rows.store, 0, NOW, 100)
    assert [b"past", b"early", b"mid", b"now"] == ids(due)
    assert NOW + 1 == bound
    assert all(event.value is LATER and event.raw_headers == HEADERS and event.at == NOW for event in due)
    rows.fire(due)
    assert ([], NOW + 1) == inner.due_timers(rows.store, bound, NOW, 100)
    assert NOW + 1 == inner.next_timer(rows.store, bound)
    rows.fire(inner.due_timers(rows.store, bound, NOW + 1, 100)[0])
    assert inner.next_timer(rows.store, bound) is None


def test_more_timers_than_a_turn_takes_come_in_the_next_ones(rows: Rows) -> None:
    """Many may be due at the very same moment. Mutation tried: a bound beyond the last one taken: fails."""
    rows.set(*(Later(b"%03d" % number, 500) for number in range(25)))
    came: list[bytes | None] = []
    bound = 0
    for _ in range(4):
        due, bound = inner.due_timers(rows.store, bound, NOW, 10)
        came += ids(due)
        rows.fire(due)
    assert [b"%03d" % number for number in range(25)] == came
    assert NOW + 1 == bound


def test_a_bound_spares_the_timers_before_it(rows: Rows) -> None:
    """What an earlier insert must lower: nothing below the bound is looked at."""
    rows.set(Later(b"early", 100))
    assert ([], NOW + 1) == inner.due_timers(rows.store, 101, NOW, 10)
    assert inner.next_timer(rows.store, 101) is None
    assert 100 == inner.next_timer(rows.store, 100)


def test_a_timer_set_again_for_the_same_time_is_one_timer(rows: Rows) -> None:
    rows.set(Later(b"a", 5), Later(b"a", 5))
    rows.set(Later(b"a", 5), Later(b"a", 6))
    assert [b"a", b"a"] == ids(inner.due_timers(rows.store, 0, NOW, 10)[0])


def test_an_intent_is_a_row_until_its_result_is_handled(rows: Rows) -> None:
    overlay = rows.overlay()
    assert (b"e", b"e/k/hello") == inner.record_effect(EFFECT, Call(b"e", b"k", b"hello"), HEADERS, overlay)
    overlay.put(b"\xfc", b"a table next to it")
    rows.commit(overlay)
    rows.set(Later(b"t", 5))
    assert [(b"e", True, HEADERS, b"e/k/hello")] == list(inner.open_effects(rows.store))
    rows.fire([Event("done", inner.EFFECT + b"e", NOW, (), "", -1, -1)])
    assert [] == list(inner.open_effects(rows.store))


def test_the_same_call_twice_is_one_and_another_under_an_open_id_is_a_defect(rows: Rows) -> None:
    """Found by reading: the second was called beside the first, and the first's result ended the row of both.

    Mutation tried: writing the row whatever is there: fails.
    """
    overlay = rows.overlay()
    assert (b"e", b"e/k/") == inner.record_effect(EFFECT, Call(b"e"), (), overlay)
    assert inner.record_effect(EFFECT, Call(b"e"), HEADERS, overlay) is None
    rows.commit(overlay)
    later = rows.overlay()
    assert inner.record_effect(EFFECT, Call(b"e"), (), later) is None
    assert {} == later.writes
    with pytest.raises(ValueError, match="open with another call"):
        inner.record_effect(EFFECT, Call(b"e", body=b"other"), (), later)
    inner.settle(Event("done", inner.EFFECT + b"e", NOW, (), "", -1, -1), later)
    assert (b"e", b"e/k/other") == inner.record_effect(EFFECT, Call(b"e", body=b"other"), (), later)


def test_effects_not_begun_are_found_in_the_order_in_which_they_were_to_begin(rows: Rows) -> None:
    """Mutation tried: no place written: found in the order of their ids."""
    overlay = rows.overlay()
    inner.note_not_begun([(b"z", HEADERS, b"1"), (b"a", (), b"2"), (b"m", (), b"3")], overlay)
    rows.commit(overlay)
    wanted = [(b"z", False, HEADERS, b"1"), (b"a", False, (), b"2"), (b"m", False, (), b"3")]
    assert wanted == inner.open_effects(rows.store)


def test_an_effect_surely_not_begun_is_told_from_one_that_may_have(rows: Rows) -> None:
    overlay = rows.overlay()
    overlay.put(inner.EFFECT + b"no", inner.NOT_BEGUN + inner.pack((), b"payload"))
    inner.record_effect(EFFECT, Call(b"yes"), (), overlay)
    rows.commit(overlay)
    assert [(b"no", False), (b"yes", True)] == [
        (one, begun) for one, begun, *_ in inner.open_effects(rows.store)
    ]


def test_a_timer_that_is_called_off_comes_no_more_and_no_other_ends_with_it(rows: Rows) -> None:
    """Mutation tried: the row of one that ends is written, too: it fires."""
    rows.set(Later(b"a", 5), Later(b"a", 6), Later(b"b", 5))
    off, overlay = replace(TIMER, encode=lambda _: None), rows.overlay()
    assert [5, 9] == [inner.set_timer(off, Later(b"a", at), HEADERS, overlay) for at in (5, 9)]
    rows.commit(overlay)
    assert [b"b", b"a"] == ids(inner.due_timers(rows.store, 0, NOW, 10)[0])


def test_timers_that_ended_before_their_time_are_not_scanned_again(rows: Rows) -> None:
    """Most waits end early. Mutation tried: the bound moves only when timers fire: fails."""
    timers = Timers(rows.store)
    timers.mark(None, rows.set(Later(b"a", 5_000), Later(b"b", 5_001), Later(b"c", 5_002)))
    timers.mark(None, rows.end(Later(b"a", 5_000), Later(b"b", 5_001)))
    assert (5_002, 5_002) == (timers.next_at, timers.bound)
    timers.mark(None, rows.end(Later(b"c", 5_002)))
    assert (None, 5_002) == (timers.next_at, timers.bound)
    timers.mark(None, rows.set(Later(b"d", 4_000)))
    assert 4_000 == timers.next_at
