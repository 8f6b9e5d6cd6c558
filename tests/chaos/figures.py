"""Figures out of a run's records: rates, delays, recovery times."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

from tests.chaos.books import first_sent
from tests.chaos.watch import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.curves import Point
    from tests.chaos.feed import Fed
    from tests.chaos.shelf import Shelf
    from tests.chaos.strike import Struck
    from tests.chaos.watch import Sample

BUCKET_S: Final = 5
LATEST_S: Final = 60.0
"""A task that stands still later than this after a blow's end is another blow's."""
OF_BEFORE_S: Final = 1.5
"""What moves within this time after a blow may have done so before it: looks come once a second."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Of one kind: blows, those with an effect, and seconds from the blow.

    `back_s`: until what was struck was ready again. `median_s`, `longest_s`: until every task that stood
    still had moved (None: none stood).
    """

    kind: str
    count: int
    proven: int
    back_s: float
    median_s: float | None
    longest_s: float | None


def rate(times: Iterable[float], began: float) -> list[Point]:
    """Events a second, over buckets."""
    counted = Counter(int((at - began) // BUCKET_S) for at in times if at >= began)
    last = max(counted, default=0)
    return [(number * BUCKET_S, counted[number] / BUCKET_S) for number in range(last + 1)]


def delays(fed: Iterable[Fed], shelf: Shelf, began: float) -> tuple[list[Point], list[Point]]:
    """Median and 95th percentile of the seconds from sending a line to its first call at a provider."""
    sent = first_sent(fed)
    keys = {row.request_id: row.key for row in shelf.found.requests if row.outcome == "accepted"}
    asked = {row.message_id: keys.get(row.request_id) for row in shelf.found.messages}
    buckets: dict[int, list[float]] = defaultdict(list)
    begun: set[str] = set()
    for attempt in sorted(shelf.attempts, key=lambda one: one.seq):
        key = asked.get(attempt.message_id)
        at = sent.get(key) if key else None
        if at is not None and at >= began and attempt.message_id not in begun:
            begun.add(attempt.message_id)
            buckets[int((at - began) // BUCKET_S)].append(attempt.at - at)
    rows = sorted((number * BUCKET_S, waits) for number, waits in buckets.items())
    return [(at, median(waits)) for at, waits in rows], [(at, _p95(waits)) for at, waits in rows]


def recoveries(struck: Iterable[Struck], samples: Sequence[Sample]) -> list[Recovery]:
    """By kind, in the order of the alphabet."""
    by_kind: dict[str, list[Struck]] = defaultdict(list)
    for one in struck:
        by_kind[one.blow.kind].append(one)
    found = []
    for kind, blows in sorted(by_kind.items()):
        times = [wait for one in blows if (wait := recovery(one, samples)) is not None]
        proven = sum(one.effect.proven for one in blows)
        back = median(one.ended_at - one.at for one in blows)
        longest = max(times) if times else None
        found.append(Recovery(kind, len(blows), proven, back, median(times) if times else None, longest))
    return found


def recovery(one: Struck, samples: Sequence[Sample]) -> float | None:
    """Seconds from the blow until every task that stood still has moved; None when none ever did stand."""
    moved, stood = set[Task](), set[Task]()
    longest = None
    for sample in samples:
        if not one.at + OF_BEFORE_S < sample.at <= one.ended_at + LATEST_S:
            continue
        if stood & (sample.moved - moved):
            longest = sample.at - one.at
        moved |= sample.moved
        stood |= sample.still - moved
    return longest if stood <= moved else LATEST_S + one.ended_at - one.at


def _p95(waits: list[float]) -> float:
    return quantiles(waits, n=20)[-1] if len(waits) > 1 else waits[0]
