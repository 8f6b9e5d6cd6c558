"""SEEN-OP-01 under any interleaving of sending, seeing, reading, timers and the clock."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fallbacks import House
from tests.requests import ALARM, SECOND, T0

AFTER = (ALARM.fallback_after_s or 0) * SECOND
SEEN = {"seen", "reported"}
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("sent"), st.integers(0, 1)),
        st.tuples(st.just("seen"), st.integers(0, 1)),
        st.tuples(st.just("failed"), st.integers(0, 1)),
        st.tuples(st.just("reported"), st.integers(0, 1)),
        st.tuples(st.just("wait"), st.integers(0, AFTER)),
        st.tuples(st.sampled_from(["fire", "recipient", "status", "saw", "intake"]), st.just(0)),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(ACTS)
def test_a_post_before_the_end_keeps_the_sms_away_and_without_one_there_is_exactly_one(
    acts: list[tuple[str, int]],
) -> None:
    asyncio.run(_run(acts))


async def _run(acts: list[tuple[str, int]]) -> None:
    house = House()
    await house.begin()
    was_seen_in_time = False
    for name, number in acts:
        was_seen_in_time = was_seen_in_time or (name in SEEN and not _is_over(house))
        await _act(house, name, number)
        assert _has_its_timer(house)
    await house.settle()
    await house.pass_time(max(house.now, T0 + AFTER) + AFTER)
    await house.pass_time(house.now + 10 * AFTER)
    messages, decisions = [task.channel for task in house.sent], [row.reason for row in house.rows]
    assert messages.count("sms") <= 1
    assert len(decisions) == len({row.decided_at for row in house.rows}) <= 2
    if was_seen_in_time:
        assert (["push", "push"], [None]) == (messages, decisions)
    elif not any(name in SEEN for name, _ in acts):
        assert decisions in ([None, "not_seen_in_time"], [None, "too_late"])
        assert ("sms" in messages) == (decisions[-1] == "not_seen_in_time")
    assert ({}, {}) == (house.timers, house.status.waits.rows)  # type: ignore[attr-defined]


async def _act(house: House, name: str, number: int) -> None:
    match name:
        case "sent" | "failed":
            house.deliver(house.sent[number], name)
        case "seen":
            house.post(house.sent[number].message_id)
        case "reported":
            house.report(house.sent[number].message_id)
        case "wait":
            house.desk.now += number
        case _:
            await {
                "fire": house.fire,
                "recipient": house.step_recipient,
                "status": house.step_status,
                "saw": house.step_seen,
                "intake": house.step_intake,
            }[name]()


def _is_over(house: House) -> bool:
    """The question is under way, or was answered."""
    waits = house.status.waits.rows  # type: ignore[attr-defined]
    return not waits or any(wait.is_asked for wait, _ in waits.values())


def _has_its_timer(house: House) -> bool:
    waits = house.status.waits.rows  # type: ignore[attr-defined]
    asked = any(wait.is_asked for wait, _ in waits.values())
    return len(house.timers) == (1 if waits and not asked else 0)
