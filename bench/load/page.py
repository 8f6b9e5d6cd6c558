"""docs/load.md and docs/load.svg, made out of the kept figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.lines import Axis, Panel, plot
from bench.load.climb import Subject
from bench.load.profile import profile_table
from bench.load.steps import last_held
from bench.page import DOCS, table_text
from bench.results import Entry
from bench.sections import Row, Table
from bench.waits import key_of

AIM, BUSY = 5_000, 0.7
LEAST_MS, MOST_MS = 1.0, 20_000.0
PLOTTED = (0.5, 0.95, 0.99)
HEAD = """\
# Load

Made by `python -m bench.load` (`make load`); do not edit. Requests are due on a fixed schedule, whatever the
answers do, and a wait counts from when a request was due, so that time spent unsent is not left out. The rate
grows from step to step until one breaks the budget: a request without an answer, less than 95 % of the asked
rate achieved, a percentile beyond the budget, or more than a second of work waiting at the end. A step that
breaks is measured a second time, and the second time counts. Figures are one machine's on one day.

![Waits by rate](load.svg)
"""


def write_page(subjects: Sequence[Subject], entries: Mapping[str, Entry], folder: Path = DOCS) -> None:
    """Write both files."""
    (folder / "load.md").write_text(page(subjects, entries))
    shown = [
        (subject, entries[subject.table.name].rows) for subject in subjects if subject.table.name in entries
    ]
    (folder / "load.svg").write_text(plot(panel(subject, rows) for subject, rows in shown))


def page(subjects: Sequence[Subject], entries: Mapping[str, Entry]) -> str:
    """The page's text."""
    parts = [HEAD]
    for subject in subjects:
        profile = profile_table(subject.table)
        if subject.table.name in entries:
            entry = entries[subject.table.name]
            parts.append(_part(subject.table, entry, f"{conclusion(subject, entry.rows)}\n\n{_steps(entry)}"))
        if profile.name in entries and entries[profile.name].rows:
            parts.append(_part(profile, entries[profile.name], _steps(entries[profile.name])))
    return "\n".join(parts)


def conclusion(subject: Subject, rows: Sequence[Row]) -> str:
    """Which step held, and what 5 000 requests a second would take by the CPU that it measured."""
    held = last_held(list(rows))
    if held is None:
        return f"The budget is {subject.budget}; no step held it."
    rate, own_us = float(held["asked"]), float(held["worker_us"])
    costs = {"processes": own_us, "broker": float(held["broker_us"]), "database": float(held["postgres_us"])}
    parts = ", ".join(f"{AIM * cost / 1e6:.1f} for the {name}" for name, cost in costs.items())
    least, busy = (math.ceil(AIM * own_us / 1e6 / share) for share in (1.0, BUSY))
    return (
        f"The budget is {subject.budget}. It held at {rate:,.0f} requests/s, where the process took "
        f"{rate * own_us / 1e6:.0%} of a core. Derived, not measured: at that CPU per request {AIM:,} "
        f"requests/s take {AIM * sum(costs.values()) / 1e6:.1f} cores ({parts}). One process computes on one "
        f"core, so that is {least} of them without a pause, {busy} at {BUSY:.0%}."
    )


def panel(subject: Subject, rows: Sequence[Row]) -> Panel:
    """Percentiles by asked rate, both logarithmic; the budget's wait is marked."""
    lines = {
        f"P{100 * share:g}": [
            (float(row["asked"]), float(row[key_of(share)])) for row in rows if key_of(share) in row
        ]
        for share in PLOTTED
    }
    rates = [float(row["asked"]) for row in rows]
    return Panel(
        f"{subject.table.title}: budget {subject.budget}",
        Axis("asked, requests/s", min(rates), max([*rates, 2 * min(rates)]), log=True),
        Axis("ms", LEAST_MS, MOST_MS, log=True),
        lines,
        subject.budget.most_ms,
    )


def _part(table: Table, entry: Entry, below: str) -> str:
    return f"## {table.title}\n\n{table.about}\n\n{table_text(table, entry)}\n\n{below}\n"


def _steps(entry: Entry) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in entry.machine.items())
    seconds, warm = entry.plan["seconds"], entry.plan["warm"]
    return f"{entry.measured}; {seconds:g} s of each step after {warm:g} s; {machine}."
