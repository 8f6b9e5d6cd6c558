"""Dead letters: complete, sendable, and never refused themselves (design rule 11)."""

from __future__ import annotations

import msgspec
import pytest

from streams.engine import dead_letters, inner
from streams.engine.api import Event, Unreadable
from tests.unit.streams.engine.desks import NOW, KeptOutputs, Written, record

STACK = 'File "agent.py", line 1\nValueError: no'


def buried(event: Event, reason: str = "ValueError: no", stack: str = STACK, limit: int = 1 << 20) -> Written:
    outputs = KeptOutputs({"in.dlq": limit})
    dead_letters.append(outputs, dead_letters.letter((event, reason, stack), "deliver", NOW), ("in.dlq", 2))
    (row,) = outputs.written
    return row


def test_a_dead_letter_is_the_record_and_where_it_came_from_and_why() -> None:
    """Mutation tried: each header left out: fails."""
    row = buried(
        record(42, b"raw", key=b"user", raw_headers=(("traceparent", b"t"), ("dlq-reason", b"earlier")))
    )
    assert ("in.dlq", 2, b"user", b"raw", 42) == (row.topic, row.partition, row.key, row.value, row.at)
    assert (
        ("traceparent", b"t"),
        ("dlq-stage", b"deliver"),
        ("dlq-reason", b"ValueError: no"),
        ("dlq-stack", STACK.encode()),
        ("dlq-topic", b"in"),
        ("dlq-partition", b"3"),
        ("dlq-offset", b"42"),
    ) == row.headers


def test_a_record_too_large_even_for_its_dead_letter_topic_leaves_a_stub() -> None:
    """Mutation tried: letting `TooLargeError` through (the task tried it for ever): fails."""
    event = record(1, b"x" * 9_000, key=b"k" * 9_000, raw_headers=(("big", b"x" * 9_000),))
    row = buried(event, limit=2_000)
    assert (None, b"") == (row.key, row.value)
    assert [
        "dlq-stage",
        "dlq-reason",
        "dlq-stack",
        "dlq-topic",
        "dlq-partition",
        "dlq-offset",
        "dlq-stub",
    ] == [name for name, _ in row.headers]
    assert b"bytes for in.dlq" in dict(row.headers)["dlq-stub"]


@pytest.mark.parametrize("at", [NOW + 7_200_000, -1])
def test_a_dead_letter_is_never_of_the_future(at: int) -> None:
    """Mutation tried: the record's own timestamp: fails."""
    assert min(max(at, 0), NOW) == buried(record(1, at=at)).at


def test_a_reason_without_a_utf_8_form_is_told_all_the_same() -> None:
    r"""Found by reading: a lone surrogate in an exception's text (JSON's "\ud800") broke the burial for ever.

    Mutation tried: plain `encode()`: fails.
    """
    row = buried(record(1), reason="bad name '\ud800' " + "щ" * 2_000)
    reason = dict(row.headers)["dlq-reason"]
    assert reason.startswith(rb"bad name '\ud800' ")
    assert 1_000 < len(reason) <= dead_letters.REASON_BYTES
    assert reason.decode().endswith("щ")


def test_a_stack_is_cut_at_its_beginning() -> None:
    stack = dict(buried(record(1), stack="ы" * 9_000 + "the end").headers)["dlq-stack"]
    assert stack.decode().endswith("ыthe end")
    assert dead_letters.STACK_BYTES - 2 < len(stack) <= dead_letters.STACK_BYTES


def test_a_tombstone_stays_a_tombstone() -> None:
    assert buried(record(1, None)).value is None
    assert b"" == buried(record(1, None, key=b"")).value


class Ended(msgspec.Struct):
    verdict: str
    token: bytes


@pytest.mark.parametrize(
    ("value", "told"),
    [(Ended("sent", b"\xff"), b'{"verdict":"sent","token":"/w=="}'), ({1}, b"[1]"), (Unreadable("no"), None)],
)
def test_a_dead_result_tells_its_call_and_what_became_of_it(value: object, told: bytes | None) -> None:
    """Found by reading: its value was empty, so what the provider had answered was nowhere."""
    row = buried(Event(value, inner.EFFECT + b"id", 5, (), "", -1, -1, b"call"))
    assert (b"call", inner.EFFECT + b"id") == (row.value, row.key)
    if told:
        assert told == dict(row.headers)["dlq-result"]


def test_a_dead_timer_keeps_its_payload() -> None:
    row = buried(Event("value", inner.TIMER + b"12345678id", 5, (), "", -1, -1, b"payload"))
    assert b"payload" == row.value
    assert "dlq-result" not in dict(row.headers)
