"""Which stores may be caught up (design rule 9)."""

from __future__ import annotations

import pytest

from streams.engine.restore import Bounds, usable
from streams.engine.store import Origin

DAY = 86_400_000
NOW = 100 * DAY
BOUNDS = Bounds(start=10, end=100, birth=b"ours")


@pytest.mark.parametrize(
    ("origin", "verdict"),
    [
        (Origin(b"ours", 50, NOW), True),
        (Origin(b"ours", 10, NOW), True),
        (Origin(b"ours", 100, NOW), True),
        (Origin(b"ours", 50, NOW - 3 * DAY), True),
        (Origin(b"ours", 50, NOW + DAY), True),
        (Origin(b"other", 50, NOW), False),
        (Origin(b"ours", 9, NOW), False),
        (Origin(b"ours", 101, NOW), False),
        (Origin(b"ours", 50, NOW - 4 * DAY), False),
        (None, False),
    ],
    ids=[
        "between",
        "at-start",
        "at-end",
        "idle-less-than-half",
        "clock-set-back",
        "other-birth",
        "below-start",
        "beyond-end",
        "idle-more-than-half",
        "new",
    ],
)
def test_a_store_is_usable(origin: Origin | None, verdict: bool) -> None:
    assert verdict == usable(origin, BOUNDS, NOW, 7 * DAY)


def test_no_store_copies_an_empty_changelog() -> None:
    assert not usable(Origin(b"", 0, NOW), Bounds(0, 0, None), NOW, 7 * DAY)
