"""Steps of load, and what it means that one of them broke the budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.sections import Column, Row, Table
from bench.waits import key_of, waits_columns

CARRIED = 0.95
"""So much of the asked rate must be achieved."""
LATE = 0.5
"""So much of the budgeted wait may the feeder itself be late."""
HELD = "held"


@dataclass(frozen=True, slots=True)
class Options:
    """How long each step is measured after how long a warm-up, and how the rates grow up to which one.

    `run_in`: how long the first rate is driven before the first step, measured by nobody.
    """

    seconds: float = 20.0
    warm: float = 5.0
    factor: float = 1.5
    most: float = 50_000.0
    run_in: float = 40.0

    def rates(self, first: float) -> Iterator[float]:
        """Requests a second of one step after the other."""
        rate = first
        while rate <= self.most:
            yield rate
            rate = round(rate * self.factor)


@dataclass(frozen=True, slots=True)
class Budget:
    """A wait that a share of the requests may not exceed, and how much work may be left waiting, seconds."""

    share: float
    most_ms: float
    behind_s: float = 1.0

    def __str__(self) -> str:
        return f"P{100 * self.share:g} up to {self.most_ms:,.0f} ms"

    def broken(self, row: Row) -> str:
        """Why a step broke the budget; empty when it held.

        Broken is a step in which a request was not answered within the grace, less than 95 % of the asked
        rate was achieved, the share's wait exceeds the budget, or more work waits at the end than is done
        in the time of the budget; and one that tells nothing: too few requests, or a feeder that was late.
        """
        key = key_of(self.share)
        late, wait, behind = (float(row.get(name, 0.0)) for name in ("late_ms", key, "behind_s"))
        carried = float(row["rate"]) / float(row["asked"])
        ways = (
            (float(row["unanswered"]) > 0, f"{row['unanswered']:,.0f} not answered"),
            (late > LATE * self.most_ms, f"the feeder was {late:,.0f} ms late"),
            (carried < CARRIED, f"{carried:.0%} of the rate"),
            (key not in row, "too few requests to tell"),
            (wait > self.most_ms, f"P{100 * self.share:g} {wait:,.0f} ms"),
            (behind > self.behind_s, f"{behind:.1f} s of work waits"),
        )
        return next((told for is_so, told in ways if is_so), "")


def last_held(rows: list[Row]) -> Row | None:
    """The step of the highest rate among those that held the budget."""
    held = [row for row in rows if row["budget"] == HELD]
    return max(held, key=lambda row: float(row["asked"]), default=None)


def steps_table(name: str, title: str, about: str, *more: Column) -> Table:
    """The table of one subject's steps."""
    columns = (
        Column("asked", "asked, requests/s", "{:,.0f}"),
        Column("rate", "achieved", "{:,.0f}"),
        *waits_columns(0.5, 0.95, 0.99, form="{:,.1f}"),
        Column("late_ms", "feeder late, P99 ms", "{:,.1f}"),
        Column("worker_us", "process's CPU µs per request", "{:,.0f}"),
        Column("broker_us", "broker's", "{:,.0f}"),
        Column("postgres_us", "Postgres's", "{:,.0f}"),
        *more,
        Column("rss_mib", "process's MiB", "{:,.0f}"),
        Column("others", "CPU of others", "{:.0%}"),
        Column("budget", "the budget"),
    )
    return Table(name, title, about, columns)
