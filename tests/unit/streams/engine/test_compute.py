"""A batch through its agent: whose an output is, who is to blame, what waits, what is left (rules 11, 13)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streams.engine import inner
from streams.engine.api import Event, StageFailedError, Stream, Tables
from streams.engine.intent import Intent
from tests.unit.streams.engine.desks import (
    EFFECT,
    NOW,
    TASK,
    Bench,
    Call,
    KeptRows,
    Later,
    Out,
    due_timer,
    record,
    relay,
    stage_of,
)


async def touchy(stream: Stream, tables: Tables) -> AsyncIterator[object]:
    """Count the records of a key; break on `poison` after half of its work is done."""
    counts = tables["counts"]
    async for event in stream:
        number = (counts.get(event.key) or 0) + 1
        counts.put(event.key, number)
        yield Out(event.key, b"%s %d" % (event.value, number))
        if b"poison" in event.value:
            raise ValueError(f"cannot stand {event.value.decode()}")


def result(effect_id: bytes, value: object) -> Event:
    return Event(value, inner.EFFECT + effect_id, NOW, (), "", -1, -1, b"call")


# ---- what belongs to whom ----


async def test_an_output_belongs_to_the_record_pulled_last() -> None:
    """Mutation tried: headers of the batch's first event instead of the current one: fails."""

    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            yield Out(event.key, event.value)
        yield Out(None, b"after")

    bench = Bench(stage_of(agent))
    one = record(1, b"1", raw_headers=(("traceparent", b"t1"), ("secret", b"s")))
    two = record(2, b"2", raw_headers=(("request_id", b"r2"),))
    await bench.compute(one, two, record(3, b"3"))
    assert [
        (b"1", 1, (("traceparent", b"t1"),)),
        (b"2", 2, (("request_id", b"r2"),)),
        (b"3", 3, ()),
        (b"after", 3, ()),
    ] == [(row.value, row.at, row.headers) for row in bench.written]


async def test_headers_travel_with_timers_and_effects() -> None:
    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for _ in stream:
            yield Later(b"t", 5)
            yield Call(b"e")

    done = await Bench(stage_of(agent)).compute(record(1, raw_headers=(("traceparent", b"t1"),)))
    row = done.overlay.get(inner.TIMER + (5).to_bytes(8, "big") + b"t")
    assert row is not None
    assert ((("traceparent", b"t1"),), b"t") == inner.unpack(row)
    assert [Intent(b"e", Call(b"e"), (("traceparent", b"t1"),), EFFECT.encode(Call(b"e")))] == done.effects


async def test_an_intent_names_the_call_whose_result_it_follows_from() -> None:
    """Mutation tried: the cause of the event before stays for the next one: fails."""

    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            yield Call(bytes(event.value))

    result = Event(b"e2", inner.EFFECT + b"e1", NOW, (), "", -1, -1)
    done = await Bench(stage_of(agent)).compute(result, record(1))
    assert [(b"e2", b"e1"), (b"x", b"")] == [(one.effect_id, one.cause) for one in done.effects]


@pytest.mark.parametrize("stamped", [NOW + 7_200_000, 4_102_444_800_000, -1])
async def test_a_record_of_the_future_leaves_no_record_of_the_future(stamped: int) -> None:
    """A broker refuses timestamps an hour ahead: a client with a wrong clock would block its task.

    Mutation tried: `at=event.at` as it came: fails.
    """
    bench = Bench(stage_of(relay))
    await bench.compute(record(1, at=stamped))
    assert [NOW] == [row.at for row in bench.written]


async def test_a_key_chooses_the_partition_and_none_keeps_the_tasks() -> None:
    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            yield Out(event.value or None, b"")

    bench = Bench(stage_of(agent))
    await bench.compute(record(1, b"21"), record(2, b""))  # the Java client: murmur2("21") is -973932308
    assert [4, TASK] == [row.partition for row in bench.written]


# ---- who is to blame (rule 11) ----


async def test_survivors_come_out_beside_dead_letters_and_the_offender_leaves_no_trace() -> None:
    """Both in order, out of one batch.

    Mutations tried: going on with the same overlay after the exception (counts jump): fails; leaving the
    offender out without a dead letter: fails.
    """
    bench = Bench(stage_of(touchy))
    done = await bench.compute(
        record(1, b"a"), record(2, b"poison1"), record(3, b"b"), record(4, b"poison2"), record(5, b"c")
    )
    assert [b"a 1", b"b 2", b"c 3"] == bench.bodies
    assert [(2, "ValueError: cannot stand poison1"), (4, "ValueError: cannot stand poison2")] == [
        (event.offset, reason) for event, reason, _ in done.dead
    ]
    assert all("touchy" in stack and "raise ValueError" in stack for *_, stack in done.dead)
    assert 5 == done.taken
    assert b"3" == done.overlay.get(b"\x01k")


async def test_what_cannot_be_decoded_is_a_value_and_never_reaches_the_agent() -> None:
    """Mutation tried: letting the decoder's exception through: fails."""
    bench = Bench(stage_of(touchy))
    done = await bench.compute(record(1, b"?"), record(2, b"a"), record(3, b"!"), record(4, b"poison"))
    assert [b"a 1"] == bench.bodies
    assert [
        (1, "a question", False),
        (3, "ZeroDivisionError: broken", True),
        (4, "ValueError: cannot stand poison", True),
    ] == [(event.offset, reason, bool(stack)) for event, reason, stack in done.dead]
    assert 4 == done.taken


async def test_a_batch_of_nothing_readable_is_taken() -> None:
    done = await Bench(stage_of(relay)).compute(record(1, b"?"), record(2, b"?"))
    assert (2, 2) == (done.taken, len(done.dead))


async def test_an_output_too_large_for_its_topic_belongs_to_its_record() -> None:
    """Mutation tried: no check of the size in `Outputs.append`: fails."""
    bench = Bench(stage_of(relay, record_limits={"out": 500}))
    done = await bench.compute(record(1, b"a"), record(2, b"x" * 500), record(3, b"b"))
    assert [b"a", b"b"] == bench.bodies
    assert [(2, "TooLargeError: a record of 629 bytes for out")] == [(e.offset, r) for e, r, _ in done.dead]


async def test_a_table_row_too_large_for_the_changelog_belongs_to_its_record() -> None:
    """Found by reading: it was refused after compute, tied to nobody, and the task tried it for ever.

    Mutation tried: no check in `Overlay.put`: fails.
    """

    async def hoard(stream: Stream, tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            tables["counts"].put(event.value * 1_100_000, 1)
            yield Out(event.key, event.value)

    bench = Bench(stage_of(hoard))
    done = await bench.compute(record(1, b""), record(2, b"x"), record(3, b""))
    assert [b"", b""] == bench.bodies
    assert [2] == [event.offset for event, *_ in done.dead]


async def test_an_outcome_nobody_routes_belongs_to_its_record() -> None:
    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            yield event.value if event.value == b"lost" else Out(b"k", event.value)

    bench = Bench(stage_of(agent))
    done = await bench.compute(record(1, b"a"), record(2, b"lost"))
    assert [b"a"] == bench.bodies
    assert [2] == [event.offset for event, *_ in done.dead]


async def test_what_rises_after_the_last_record_is_pinned_on_one_record_by_halving() -> None:
    """An agent may work after its loop. `current` is then the last event, which is innocent.

    Mutation tried: blaming `current` as inside the loop: fails (all ten become dead letters).
    """

    async def sum_up(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        values = [event.value async for event in stream]
        if b"poison" in values:
            raise ValueError("bad sum")
        yield Out(None, b" ".join(values))

    bench = Bench(stage_of(sum_up))
    left = [record(number, b"poison" if number == 3 else b"%d" % number) for number in range(10)]
    came: list[bytes | None] = []
    dead: list[int] = []
    while left:
        done = await bench.compute(*left)
        came += bench.bodies
        dead += [event.offset for event, *_ in done.dead]
        left = left[done.taken :]
    assert [3] == dead
    assert b"0 1 2 4 5 6 7 8 9" == b" ".join(value for value in came if value)


async def test_what_rises_before_the_first_record_is_tied_to_none() -> None:
    """It is our own defect, and every retry of the batch meets it: no record may be buried for it."""

    async def agent(_stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        yield Out(None, b"")
        raise ValueError("not today")

    with pytest.raises(ValueError, match="not today"):
        await Bench(stage_of(agent)).compute(record(1))


async def test_more_defects_in_a_batch_than_the_ceiling_stop_the_stage() -> None:
    """Mutation tried: raising the agent's own exception instead (a hundred retries): fails."""
    events = [record(number, b"poison") for number in range(4)]
    done = await Bench(stage_of(touchy, ceiling=4)).compute(*events)
    assert 4 == len(done.dead)
    with pytest.raises(
        StageFailedError, match=r"test: more than 3 defects of its own code.*cannot stand poison"
    ):
        await Bench(stage_of(touchy, ceiling=3)).compute(*events)


async def test_a_dead_timer_or_result_leaves_its_row_else_it_would_come_back_for_ever() -> None:
    """Mutation tried: settling only what the agent pulls: fails."""
    rows = {due_timer(1, b"poison").key: b"row", due_timer(2, b"!").key: b"row", inner.EFFECT + b"e": b"row"}
    bench = Bench(stage_of(touchy), KeptRows(rows))
    done = await bench.compute(
        result(b"e", b"poison result"), due_timer(1, b"poison"), due_timer(2, b"!"), due_timer(3, b"a")
    )
    assert [b"a 1"] == bench.bodies
    assert 3 == len(done.dead)
    assert {*rows, due_timer(3, b"a").key} == {key for key, row in done.overlay.writes.items() if row is None}
