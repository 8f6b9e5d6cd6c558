"""Figures of a run by phase: who received how many, how long it took, and how long the way round did."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from bench.detour.books import RETRYING, UNKNOWN, Books
from bench.lines import Axis, Panel, Point
from bench.sections import Column, Row, Table
from bench.waits import at_share, distribution, key_of

POINTS = 120
"""Of each line of the plot."""
FAILED = frozenset({RETRYING, UNKNOWN})
LIMITED = "provider_limited"


@dataclass(frozen=True, slots=True)
class Told:
    """What the figures are made of; times in ms of wall time.

    acknowledged  when the broker had each request, by its key
    intended      when the first call of a mail at the first provider was written down
    began         when each phase did
    """

    books: Books
    names: Sequence[str]
    first: str
    acknowledged: Mapping[str, float]
    intended: Mapping[str, float]
    began: Sequence[float]


@dataclass(frozen=True, slots=True)
class Way:
    """How one mail went: from the acknowledgement of its request to its first receipt, and whose that was.

    `straight_ms`: since its first intent of a call at the first provider, which took it at once; `detour_ms`:
    the same where that failed and the reserve took it.
    """

    asked: float
    received: float
    provider: str
    straight_ms: float | None = None
    detour_ms: float | None = None
    was_limited: bool = False


def ways(told: Told) -> list[Way]:
    """Of every mail that was received, in the order of their requests."""
    receipts = {one.message_id: one for one in sorted(told.books.receipts, key=lambda one: -one.at)}
    at_first = [one for one in told.books.setbacks if one.provider == told.first and one.status in FAILED]
    failed = {one.message_id for one in at_first if one.reason != LIMITED}
    limited = {one.message_id for one in at_first if one.reason == LIMITED}
    troubled, found = failed | limited, []
    for mail in told.books.mails:
        receipt, asked = receipts.get(mail.message_id), told.acknowledged.get(mail.key)
        if receipt is None or asked is None:
            continue
        way = Way(asked, receipt.at, receipt.provider, was_limited=mail.message_id in limited)
        if receipt.provider != told.first and mail.message_id in failed:
            way = replace(way, detour_ms=receipt.at - told.intended[mail.message_id])
        elif receipt.provider == told.first and mail.message_id not in troubled:
            way = replace(way, straight_ms=receipt.at - told.intended[mail.message_id])
        found.append(way)
    return sorted(found, key=lambda way: way.asked)


def rows(told: Told, found: Sequence[Way]) -> list[Row]:
    """A row for each phase in which mails were asked for, and one for all."""
    by_phase: dict[int, list[Way]] = {}
    for way in found:
        by_phase.setdefault(max(bisect_right(told.began, way.asked) - 1, 0), []).append(way)
    last = max((way.received for way in found), default=told.began[-1])
    edges = [*told.began, last]
    shown = [
        _row(name, by_phase.get(place, []), _rate(found, edges[place], edges[place + 1]), told.first)
        for place, name in enumerate(told.names)
    ]
    return [*shown, _row("all", found, _rate(found, edges[0], last), told.first)]


def _row(name: str, found: Sequence[Way], rate: float, first: str) -> Row:
    by = Counter(way.provider == first for way in found)
    detours = sorted(way.detour_ms for way in found if way.detour_ms is not None)
    straight = sorted(way.straight_ms for way in found if way.straight_ms is not None)
    waits = distribution(max(way.received - way.asked, 0.0) for way in found)
    return {
        "phase": name,
        "mails": len(found),
        "rate": rate,
        "by_first": by[True],
        "by_reserve": by[False],
        "detours": len(detours),
        "limited": sum(way.was_limited for way in found),
        **{key: waits[key] for key in (key_of(0.5), key_of(0.99), key_of(1)) if key in waits},
        **_shares("straight", straight),
        **_shares("detour", detours),
    }


def _shares(name: str, ordered: Sequence[float]) -> Row:
    """Half of them, and nearly all; nothing of none."""
    if not ordered:
        return {}
    return {f"{name}_p50_ms": at_share(ordered, 0.5), f"{name}_p99_ms": at_share(ordered, 0.99)}


def _rate(found: Iterable[Way], began: float, ended: float) -> float:
    """Mails received a second."""
    return sum(began < way.received <= ended for way in found) * 1000 / max(ended - began, 1.0)


def without_effect(told: Told, found: Sequence[Way]) -> list[str]:
    """What the scene was to show and did not: a run in which nothing went wrong proves nothing."""
    dead, back = told.began[1], told.began[-1]
    by_reserve = [way for way in found if way.provider != told.first]
    shown = {
        "the reserve took no mail that the first had failed": any(way.detour_ms is not None for way in found),
        "the first was never left alone": any(way.detour_ms is None for way in by_reserve),
        "the first refused no mail for its limit": any(way.was_limited for way in found),
        "the first took no mail before it died": any(
            way.received < dead and way.provider == told.first for way in found
        ),
        "the first took no mail once it was back": any(
            way.received > back and way.provider == told.first for way in found
        ),
    }
    return [name for name, is_so in shown.items() if not is_so]


def panels(told: Told, found: Sequence[Way]) -> list[Panel]:
    """Mails a second by who received them, and how long mails took, by when they were asked for."""
    began = told.began[0]
    last_s = (max(way.received for way in found) - began) / 1000
    step_s = max(last_s / POINTS, 0.25)
    along = Axis("s of the run", 0, _rounded(last_s))
    asked = _counts((way.asked - began for way in found), step_s)
    by_first = _counts((way.received - began for way in found if way.provider == told.first), step_s)
    by_reserve = _counts((way.received - began for way in found if way.provider != told.first), step_s)
    most = max(rate for line in (asked, by_first, by_reserve) for _, rate in line)
    rates = {"asked for": asked, "received by the first": by_first, "by the reserve": by_reserve}
    slices: dict[int, list[float]] = {}
    for way in found:
        slices.setdefault(int((way.asked - began) / 1000 / step_s), []).append(way.received - way.asked)
    waits = {
        f"P{100 * share:g}": [
            (place * step_s, at_share(sorted(each), share)) for place, each in sorted(slices.items())
        ]
        for share in (0.5, 0.99)
    }
    longest = max(wait for line in waits.values() for _, wait in line)
    return [
        Panel("Mails", along, Axis("mails/s", 0, _rounded(most)), rates),
        Panel(
            "How long they took, by when they were asked for",
            along,
            Axis("ms", 10, max(longest, 100), log=True),
            waits,
        ),
    ]


def _rounded(end: float) -> float:
    """The end of an axis whose quarters are whole numbers."""
    return ceil(end / 20) * 20.0


def _counts(times_ms: Iterable[float], step_s: float) -> list[Point]:
    """How many a second, step by step."""
    counted = Counter(int(at / 1000 / step_s) for at in times_ms)
    return [(place * step_s, counted[place] / step_s) for place in range(max(counted, default=0) + 1)]


TABLE = Table(
    "detour",
    "By phase",
    "",
    (
        Column("phase", "the first"),
        Column("mails", "mails asked for", "{:,.0f}"),
        Column("rate", "received/s", "{:,.0f}"),
        Column("by_first", "by the first", "{:,.0f}"),
        Column("by_reserve", "by the reserve", "{:,.0f}"),
        Column("detours", "of them after a failed attempt", "{:,.0f}"),
        Column("limited", "met the limit", "{:,.0f}"),
        Column(key_of(0.5), "P50 ms", "{:,.0f}"),
        Column(key_of(0.99), "P99 ms", "{:,.0f}"),
        Column(key_of(1), "longest ms", "{:,.0f}"),
        Column("straight_p50_ms", "straight P50 ms", "{:,.0f}"),
        Column("straight_p99_ms", "straight P99 ms", "{:,.0f}"),
        Column("detour_p50_ms", "detour P50 ms", "{:,.0f}"),
        Column("detour_p99_ms", "detour P99 ms", "{:,.0f}"),
    ),
)
