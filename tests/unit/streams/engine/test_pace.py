"""How long a task rests between two transactions (rule 17)."""

from __future__ import annotations

import pytest

from streams.engine.pace import LONGEST_S, URGENT_S, rest_s


@pytest.mark.parametrize(
    ("interval_s", "turn_s", "expected"),
    [
        (0.0, 0.008, 0.008),
        (0.025, 0.008, 0.025),
        (0.100, 0.008, 0.100),
        (0.0, 0.100, 0.100),
        (0.025, 0.100, 0.200),
        (0.100, 0.100, 0.500),
        (0.100, 1.0, LONGEST_S),
        (2.0, 1.0, 2.0),
    ],
)
def test_a_task_rests_for_its_interval_and_longer_where_turns_take_long(
    interval_s: float, turn_s: float, expected: float
) -> None:
    """Mutations tried: the interval only; without the longest: fail."""
    assert pytest.approx(expected) == rest_s(interval_s, turn_s)


def test_what_is_urgent_does_not_rest_for_a_long_turn_of_bulk() -> None:
    """Mutation tried: as long as any: fails."""
    assert [URGENT_S, 0.008, 0.5] == [
        rest_s(0.0, 1.0, urgent=True),
        rest_s(0.0, 0.008, urgent=True),
        rest_s(0.5, 1.0, urgent=True),
    ]
