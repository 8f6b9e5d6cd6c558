"""Which stores may be caught up (design rule 9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.engine.restore import Bounds, copies, young_enough
from streams.engine.store import Origin

DAY = 86_400_000
NOW = 100 * DAY
BOUNDS = Bounds(start=10, end=100, birth=b"ours")
OURS = Origin(b"ours", 50, NOW)


@pytest.mark.parametrize(
    ("origin", "verdict"),
    [
        (OURS, True),
        (replace(OURS, offset=10), True),
        (replace(OURS, offset=100), True),
        (replace(OURS, birth=b"other"), False),
        (replace(OURS, offset=9), False),
        (replace(OURS, offset=101), False),
    ],
    ids=["between", "at-start", "at-end", "other-birth", "below-start", "beyond-end"],
)
def test_a_store_holds_a_beginning_of_the_changelog(origin: Origin, verdict: bool) -> None:
    assert verdict == copies(origin, BOUNDS)


def test_no_store_copies_an_empty_changelog() -> None:
    assert not copies(Origin(b"", 0, NOW), Bounds(0, 0, None))


@pytest.mark.parametrize(
    ("idle_days", "verdict"), [(0, True), (3.5, True), (3.6, False), (400, False)], ids=str
)
def test_no_tombstone_may_be_gone_that_a_store_has_not_seen(idle_days: float, verdict: bool) -> None:
    """Half of the retention, for the brokers' clocks may differ from each other."""
    assert verdict == young_enough(replace(OURS, written_at=NOW - int(idle_days * DAY)), NOW, 7 * DAY)
