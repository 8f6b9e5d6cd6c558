"""When a turn of a task waits for more results of its calls, and what wakes it (design rules 14, 17)."""

from __future__ import annotations

from streams.engine.calls import Calls
from streams.engine.turns import Turns
from tests.unit.streams.engine.desks import Call
from tests.unit.streams.engine.lives import turns
from tests.unit.streams.engine.outsides import Outside, many, opened, shared_by

LIMIT = 8
FAIR, MOST = LIMIT // 2, LIMIT * 3 // 4


async def working(done: int, hanging: int) -> Outside:
    """So many calls have their results, so many hang."""
    outside = Outside(LIMIT)
    outside.begin(*many(hanging, b"hang", "h"), *many(done))
    await outside.results(done)
    await turns()
    return outside


async def let_go(outside: Outside) -> None:
    """End what hangs."""
    outside.let_go.set()
    await outside.results(len(outside.effects.results) + outside.effects.load)


async def test_few_results_wait_for_those_on_their_way() -> None:
    """Mutation tried: never: fails."""
    outside = await working(done=2, hanging=5)
    assert [False, False] == [outside.effects.enough(waiting) for waiting in (0, 100)]
    await let_go(outside)


async def test_nobody_waits_for_more_when_half_of_all_are_there() -> None:
    outside = await working(done=FAIR, hanging=3)
    assert outside.effects.enough(0) is None
    await let_go(outside)


async def test_nobody_rests_when_most_are_there() -> None:
    """Whatever runs, or waits. Mutation tried: when all are: fails, one that hangs would slow all down."""
    outside = await working(done=MOST, hanging=1)
    assert [True, True] == [outside.effects.enough(waiting) for waiting in (0, 100)]
    await let_go(outside)


async def test_nobody_waits_when_no_call_runs() -> None:
    """Mutation tried: no look at what runs: fails. The last result then waits for nothing."""
    outside = await working(done=1, hanging=0)
    assert outside.effects.enough(0) is None


async def test_records_that_all_have_room_do_not_wait_for_results() -> None:
    """Where little is to do each is done soon. Mutation tried: they wait as bulk does: fails."""
    outside = await working(done=1, hanging=5)
    assert [None, None, False] == [outside.effects.enough(waiting) for waiting in (1, 3, 4)]
    await let_go(outside)


async def test_the_result_of_an_urgent_call_waits_for_no_other_until_it_is_settled() -> None:
    """It may have failed, and the next provider is to be called. Mutations tried: as any; for ever: fail."""
    (one,) = shared_by(Calls(Turns(), 100), 1, LIMIT)
    one.begin(*many(3, b"hang"), Call(b"u", b"u"))
    await one.results(1)
    assert one.effects.enough(0) is None
    one.effects.handled(list(one.effects.results))
    one.begin(Call(b"next", b"next"))
    await one.results(1)
    assert one.effects.enough(0) is False
    await let_go(one)


async def test_a_task_is_woken_by_the_first_result_when_they_are_many_or_most_and_by_the_last() -> None:
    """Each of them took a look at lanes and timers, twenty a batch.

    Mutations tried: at the first only; at the last only: fail.
    """
    woken: list[int] = []
    outside = Outside(LIMIT)
    outside.effects._wake = lambda: woken.append(len(outside.effects.results))
    outside.begin(*many(LIMIT - 1))
    await outside.results(LIMIT - 1)
    await turns()
    assert [1, FAIR, MOST, LIMIT - 1] == woken


async def test_urgent_calls_keep_their_places_when_results_led_to_calls_of_bulk() -> None:
    """All of bulk fails for now and the next provider hangs: found by reading. Mutation tried: no floor."""
    (one,) = shared_by(Calls(Turns(), 100), 1, LIMIT, kept=2)
    one.begin(*many(2 * LIMIT - 2, b"hang"))
    assert (2, 10) == one.effects.places()
    one.begin(Call(b"u", b"u", b"hang"))
    assert 1 == one.effects.places()[0]
    await let_go(one)


async def test_an_urgent_result_that_came_during_a_turn_is_urgent_in_the_next_one() -> None:
    """Mutation tried: each turn forgets all of them: fails."""
    (one,) = shared_by(Calls(Turns(), 100), 1, LIMIT)
    one.begin(*many(3, b"hang"), Call(b"first", b"first"))
    await one.results(1)
    taken = list(one.effects.results)
    one.begin(Call(b"u", b"u"))
    await one.results(2)
    one.effects.handled(taken)
    assert one.effects.enough(0) is None
    await let_go(one)


async def test_an_urgent_result_that_a_new_life_knows_nothing_of_hurries_nobody() -> None:
    """Mutation tried: it is kept for ever: fails. No turn would wait for more results any more."""
    (one,) = shared_by(Calls(Turns(), 100), 1, LIMIT)
    one.begin(*many(3, b"hang"), Call(b"u", b"u"))
    await one.results(1)
    one.effects.open(opened(b"0", b"1", b"2"), 0.0)
    one.begin(Call(b"next", b"next"))
    await one.results(1)
    assert one.effects.enough(0) is False
    await let_go(one)
