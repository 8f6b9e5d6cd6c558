"""docs/growth.md and docs/growth.svg: the tables, a plot, and what they mean for a cluster of brokers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.chart import Group, svg
from bench.outlook import Cluster, Outlook, measured_of
from bench.outlook_text import told
from bench.page import section_text
from bench.results import Entry
from bench.sections import Section

DOCS = Path(__file__).parents[1] / "docs"
HEAD = """\
# Growth

Made by `python -m bench.growth` (`make growth`); do not edit. The job of the bench (decode a request, drop
repeats by a table, write two messages) in one worker beside one broker on the same cores: what a request
costs as partitions and keys grow.

![CPU per request and restore time as partitions and keys grow](growth.svg)
"""
BARS = (
    ("partitions", "client_us", "CPU µs per request, as fast as it can", "{:,.1f}"),
    ("partitions", "slow_us", "CPU µs per request at a slow pace", "{:,.0f}"),
    ("keys", "client_us", "CPU µs per request", "{:,.1f}"),
    ("keys", "restore_s", "seconds to restore", "{:,.1f}"),
)


def write_page(entries: Mapping[str, Entry], sections: Sequence[Section], folder: Path = DOCS) -> None:
    """Write both files; the outlook once everything it needs has been measured."""
    parts = [HEAD]
    parts += [section_text(section, entries[section.name]) for section in sections if section.name in entries]
    if {section.name for section in sections} <= set(entries):
        rows = [entries[section.name].rows for section in sections]
        parts.append(told(Outlook(measured_of(*rows), Cluster())))
    (folder / "growth.md").write_text("\n".join(parts), encoding="utf-8")
    (folder / "growth.svg").write_text(svg(groups(entries)), encoding="utf-8")


def groups(entries: Mapping[str, Entry]) -> list[Group]:
    """The plot's bars, a row of the table each."""
    return [
        Group(title, {f"{row[name]:,.0f} {name}": float(row[key]) for row in entries[name].rows}, form)
        for name, key, title, form in BARS
        if name in entries
    ]
