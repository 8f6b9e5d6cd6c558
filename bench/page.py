"""docs/bench.md, docs/bench.svg and docs/lanes.svg, made out of the kept figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.catalogue import SECTIONS
from bench.chart import Group, svg
from bench.lines import plot
from bench.priority import PRIORITY, panels
from bench.results import Entry
from bench.sections import Section, Table

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = {PRIORITY.name: "![How many were received within how long](lanes.svg)"}
HEAD = """\
# Bench

Made by `python -m bench` (`make bench`); do not edit. Absolute figures are one machine's on one day, and the
broker shares its cores: compare within one table, which was measured in one run. CPU is user and system time
of the process named, the broker's own beside it.
"""


def write_page(entries: Mapping[str, Entry], folder: Path = DOCS) -> None:
    """Write the page and its pictures."""
    (folder / "bench.md").write_text(page(entries))
    (folder / "bench.svg").write_text(svg(groups(entries)))
    if PRIORITY.name in entries:
        (folder / "lanes.svg").write_text(plot(panels(entries[PRIORITY.name].rows)))


def page(entries: Mapping[str, Entry]) -> str:
    """The page's text."""
    parts = [HEAD, "![Throughput and CPU of the engines](bench.svg)\n"]
    parts += [section_text(section, entries[section.name]) for section in SECTIONS if section.name in entries]
    return "\n".join(parts)


def groups(entries: Mapping[str, Entry]) -> list[Group]:
    """The plot's bars: throughput and CPU of each engine, with and without the hop."""
    found = []
    for name, key, title in (
        ("engines", "rate", "requests a second, the job"),
        ("engines", "client_us", "CPU µs per request, the job"),
        ("hop", "rate", "requests a second, behind a re-key"),
        ("trickle", "client_us", "CPU µs per request at 200 a second"),
    ):
        if name in entries:
            bars = {str(row["subject"]): float(row[key]) for row in entries[name].rows}
            found.append(Group(title, bars))
    return found


def table_text(table: Table, entry: Entry) -> str:
    """The rows as Markdown."""
    titles = [column.title for column in table.columns]
    rule = ["---" if column.form == "{}" else "---:" for column in table.columns]
    lines = [titles, rule, *([column.shown(row) for column in table.columns] for row in entry.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def section_text(section: Section, entry: Entry) -> str:
    """One section: what was measured, the table, when and on what."""
    machine = ", ".join(f"{name} {value}" for name, value in entry.machine.items())
    plan = f"{entry.plan['rounds']} rounds, medians"
    table = table_text(section, entry)
    picture = f"{PICTURES[section.name]}\n\n" if section.name in PICTURES else ""
    return (
        f"## {section.title}\n\n{section.about}\n\n{picture}{table}\n\n{entry.measured}; {plan}; {machine}.\n"
    )
