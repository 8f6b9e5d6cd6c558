"""docs/soak.md and docs/soak.svg, made out of one run's samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.curves import Mark, Panel, sheet
from bench.soak_series import FLAT, PICTURES, Finding, Look, cores, found
from bench.trend import RULE, SHRINKS, thinned

DOCS = Path(__file__).parents[1] / "docs"
MOST_POINTS = 240
TEXT = """\
# Soak

Made by `python -m bench.soak` (`make soak`); do not edit. The whole pipeline in one worker, with HTTP, one
broker, Postgres and the fake providers, under a steady open-loop feed.

**{word}.** {load}.

{measured}; {machine}; servers and feed share the cores. In use during the feed: {cores}.

So that TTLs are seen to work, rows live for {life} s here: keys of requests (and 30 s more, for a late
address), seen facts, the progress of messages, minutes of statistics. Changelogs keep tombstones for as long,
begin a new segment every 10 s and are cleaned when a hundredth of them is dirty. The store of a worker has 8
MiB to read from and 8 to write to, an eighth of the usual: what is bounded is full within minutes.

![Memory, handles, rows, files and lag over the run](soak.svg)

The red line is the end of the feed.

The rule: {rule} {shrinks}

{table}

{rows}
"""
COLUMNS = ("series", "floor", "median", "slope, per hour", "rise", "may rise", "at the end", "verdict")


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: what was asked for, what was sent, what was seen. Times in s, `rate` per second.

    `left`: rows by stage that should have ended and were in the closed stores.
    """

    measured: str
    machine: Mapping[str, str]
    rate: float
    post_rate: float
    feed_s: float
    life_s: float
    sent: int
    posted: int
    refused: int
    looks: Sequence[Look]
    left: Mapping[str, int]

    @property
    def findings(self) -> list[Finding]:
        """What became of every series."""
        return found(self.looks, self.feed_s)

    @property
    def right(self) -> bool:
        """Whether nothing grows, everything that should shrink did, and no row outlived its end."""
        return all(one.verdict == FLAT for one in self.findings) and not self.refused and not self.survivors

    @property
    def survivors(self) -> int:
        """Rows that should have ended."""
        return sum(self.left.values())


def write_page(ran: Ran, folder: Path = DOCS) -> None:
    """Write both files."""
    (folder / "soak.md").write_text(page(ran), encoding="utf-8")
    (folder / "soak.svg").write_text(picture(ran), encoding="utf-8")


def page(ran: Ran) -> str:
    """The page's text."""
    quiet_s = ran.looks[-1].at - ran.feed_s
    machine = ", ".join(f"{name} {value}" for name, value in ran.machine.items())
    load = (
        f"{ran.feed_s / 60:.1f} minutes at {ran.rate:,.0f} requests/s and {ran.post_rate:,.0f} seen posts/s "
        f"({ran.sent:,} and {ran.posted:,}; {ran.refused:,} posts were not answered with 200), then "
        f"{quiet_s:,.0f} s of a trickle, so that logs are cleaned and stores compacted"
    )
    return TEXT.format(
        word="Nothing grows" if ran.right else "Something is wrong, see the verdicts",
        load=load,
        measured=ran.measured,
        machine=machine,
        cores=", ".join(f"{role} {many:.2f}" for role, many in cores(ran.looks, ran.feed_s).items()),
        life=ran.life_s,
        rule=RULE,
        shrinks=SHRINKS,
        table="\n".join(_table(ran.findings)),
        rows=_rows_left(ran),
    )


def picture(ran: Ran) -> str:
    """All plots."""
    looks = thinned(ran.looks, MOST_POINTS)
    marks = (Mark(ran.feed_s, "the feed ends"),)
    panels = [
        Panel(
            title, {name: [(one.at, one.values[key]) for one in looks] for name, key in lines.items()}, marks
        )
        for title, lines in PICTURES.items()
    ]
    return sheet(panels, ran.looks[-1].at)


def _table(findings: Sequence[Finding]) -> list[str]:
    lines = [f"| {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * (len(COLUMNS) - 2)} --- |"]
    for one in findings:
        trend, unit = one.trend, one.series.unit
        amounts = (trend.middle, trend.per_hour, trend.rise, trend.allowed, one.last)
        shown = (f"{one.series.floor:g}", *(_shown(amount) for amount in amounts))
        title = f"{one.series.title}, {unit}" if unit else one.series.title
        lines.append(f"| {' | '.join((title, *shown, one.verdict))} |")
    return lines


def _rows_left(ran: Ran) -> str:
    if not ran.survivors:
        return "After the worker's end its stores were read: no row outlived its time by a minute."
    told = ", ".join(f"{stage} {many:,}" for stage, many in ran.left.items() if many)
    return f"After the worker's end its stores were read: rows that outlived their time: {told}."


def _shown(amount: float) -> str:
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:,.1f}"
