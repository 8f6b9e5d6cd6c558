"""Calls of one task: when they begin and what ends them (design rule 14)."""

from __future__ import annotations

import time

import pytest

from streams.engine import inner
from streams.engine.api import Event
from tests.unit.streams.engine.desks import Call
from tests.unit.streams.engine.lives import turns
from tests.unit.streams.engine.outsides import TRACE, Outside, intent, opened


async def test_a_result_is_an_event_with_the_effects_row_headers_and_call() -> None:
    outside = Outside()
    outside.begin(Call(b"1"))
    assert [("done", b"1")] == await outside.results(1)
    event = outside.effects.results[0]
    assert (inner.EFFECT + b"1", 77, TRACE, "", b"1/k/") == (
        event.key,
        event.at,
        event.raw_headers,
        event.topic,
        event.raw,
    )


@pytest.mark.spec("NS-OPS-110")
async def test_a_hanging_call_beside_499_others_delays_its_own_key_only() -> None:
    """Mutation tried: one queue for all keys: fails (nothing but the hanging call begins)."""
    outside = Outside()
    others = [Call(b"%d" % number, b"key%d" % number) for number in range(499)]
    outside.begin(Call(b"h1", b"hanging", b"hang"), Call(b"h2", b"hanging"), *others)
    assert {("done", call.id) for call in others} == set(await outside.results(499))
    assert b"h2" not in outside.begun
    outside.let_go.set()
    assert [("done", b"h1"), ("done", b"h2")] == (await outside.results(501))[499:]
    assert 0 == outside.effects.load


async def test_calls_of_one_key_are_made_in_order() -> None:
    outside = Outside()
    outside.begin(*(Call(b"%d" % number) for number in range(20)))
    await outside.results(20)
    assert [b"%d" % number for number in range(20)] == outside.begun


async def test_calls_of_a_commit_of_unknown_outcome_begin_in_the_order_of_their_intents() -> None:
    """Rows are found in the order of their ids. Mutation tried: begun as found: fails."""
    outside = Outside()
    ids = [b"z", b"a", b"m"]
    outside.effects.intend([intent(Call(one)) for one in ids])
    outside.effects.open(opened(*sorted(ids)), time.monotonic())
    await outside.results(3)
    assert ids == outside.begun


async def test_no_more_calls_at_once_than_the_limit_and_no_more_input_when_it_is_reached() -> None:
    """Mutations tried: no look at the limit in `_start_ready`: fails; results not counted as open: fails."""
    outside = Outside(limit=3)
    outside.begin(*(Call(b"%d" % number, b"%d" % number, b"hang") for number in range(3)))
    assert 0 == outside.effects.places()[0]
    outside.begin(*(Call(b"x%d" % number, b"x%d" % number, b"hang") for number in range(4)))
    await turns(20)
    assert 6 == len(outside.begun), "twice as many: results of a batch led to calls beside its records"
    outside.let_go.set()
    await outside.results(7)
    assert 6 == outside.most_at_once
    assert 0 == outside.effects.places()[0]
    outside.effects.handled(list(outside.effects.results)[:5])
    assert 1 == outside.effects.places()[0]


async def test_what_is_settled_makes_room_but_only_so_much() -> None:
    """Each result may lead to another call. Mutation tried: room for each result that is settled: fails."""
    outside = Outside(limit=3)
    outside.begin(*(Call(b"%d" % number, b"%d" % number) for number in range(5)))
    await outside.results(5)
    assert (0, 0, 1) == tuple(outside.effects.places(settled)[0] for settled in (0, 2, 5))


async def test_results_leave_when_they_are_committed_and_not_before() -> None:
    outside = Outside()
    outside.begin(Call(b"1"), Call(b"2", b"l"))
    await outside.results(2)
    first = outside.effects.results[0]
    outside.effects.handled([])
    outside.effects.handled([Event(first.value, first.key, 0, (), "", -1, -1)])
    assert 2 == len(outside.effects.results)
    outside.effects.handled([first])
    assert [("done", b"2")] == [event.value for event in outside.effects.results]


async def test_an_effect_not_begun_in_time_lapses() -> None:
    """`since` lies before the commit was tried.

    A process stopped inside its commit wakes as a zombie that has just learned of its success, while its
    successor has told the agent that the effect is hidden. Mutations tried: no look at the clock: fails; the
    clock of `begin` instead of `since`: fails.
    """
    outside = Outside()
    outside.begin(Call(b"old"), since=time.monotonic() - 5.1)
    assert [("lapsed", b"old")] == await outside.results(1)
    assert [] == outside.begun


async def test_an_effect_that_waited_too_long_for_its_key_lapses() -> None:
    outside = Outside(ttl_s=0.0)
    outside.begin(Call(b"1"), Call(b"2"))
    assert [("lapsed", b"1")] == await outside.results(1)
    outside.settle()
    assert [("lapsed", b"2")] == await outside.results(1)


async def test_a_call_that_lapsed_keeps_its_place_before_later_ones_of_its_key() -> None:
    """Mutation tried: its key goes on at once: fails, the later message goes out first."""
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"), Call(b"x", b"x"))
    assert {("lapsed", b"1"), ("done", b"x")} == set(await outside.results(2))
    await turns(20)
    assert [b"x"] == outside.begun
    outside.begin(Call(b"3"))
    outside.settle(Call(b"1"))
    assert [("done", b"1"), ("done", b"2"), ("done", b"3")] == await outside.results(3)
    assert 0 == outside.effects.load


async def test_a_record_handled_before_the_lapse_of_an_earlier_call_does_not_take_its_place() -> None:
    """Urgent records rank before results in a batch, and headers may be alike (`make chaos`, seed 4).

    Mutation tried: the place goes to the first call of the key with the same headers: fails.
    """
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"))
    await outside.results(1)
    outside.effects.handled(list(outside.effects.results))
    batch = [intent(Call(b"3")), intent(Call(b"1"), cause=b"1")]
    outside.effects.begin(batch, time.monotonic())
    assert [("done", b"1"), ("done", b"2"), ("done", b"3")] == await outside.results(3)
    assert 0 == outside.effects.load


async def test_a_call_that_was_not_made_after_all_keeps_its_place() -> None:
    """A breaker says so of a call that it holds back. Found by reading: `2` went out before it.

    Mutation tried: only what lapses before it is performed keeps its place: fails.
    """
    outside = Outside()
    outside.begin(Call(b"1", body=b"refuse"), Call(b"2"))
    assert [("lapsed", b"1")] == await outside.results(1)
    await turns(20)
    assert [b"1"] == outside.begun
    outside.begin(Call(b"3"))
    outside.settle(Call(b"1-elsewhere"))
    assert [("done", b"1-elsewhere"), ("done", b"2"), ("done", b"3")] == await outside.results(3)
    assert 0 == outside.effects.load


async def test_a_call_that_was_not_made_after_all_counts_at_a_close_as_never_begun() -> None:
    """Its result may not be committed. Mutation tried: as begun: fails, its answer would count as hidden."""
    outside = Outside()
    outside.begin(Call(b"1", body=b"refuse"))
    await outside.results(1)
    await outside.effects.close(30)
    assert [(b"1", TRACE, b"1/k/refuse")] == outside.effects.never_begun()


async def test_a_call_that_lapsed_and_is_wanted_no_more_makes_way() -> None:
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"))
    await outside.results(1)
    outside.settle()
    assert [("done", b"2")] == await outside.results(1)


async def test_a_call_that_lapsed_and_whose_end_was_committed_unheard_makes_way() -> None:
    """The commit's outcome stayed unknown: at the next open its row is gone. Mutation tried: stays: hangs."""
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"))
    await outside.results(1)
    outside.effects.open(opened(b"2"), time.monotonic())
    assert [("done", b"2")] == await outside.results(1)


@pytest.mark.parametrize("body", [b"break", b"cancel"])
async def test_a_perform_that_breaks_has_hidden_its_outcome_and_goes_on_with_its_key(body: bytes) -> None:
    """Found by reading: a `CancelledError` out of `perform` itself left key and limit taken for ever.

    Mutation tried: returning on any `CancelledError`: fails by its time-out.
    """
    outside = Outside()
    outside.begin(Call(b"1", body=body), Call(b"2"))
    assert [("hidden", b"1"), ("done", b"2")] == await outside.results(2)
    assert 0 == outside.effects.load
