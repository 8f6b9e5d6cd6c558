"""What a part of the bench is: a table of rows with columns, and how it comes about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.stock import Stock

Cell = str | float | bool
Row = dict[str, Cell]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. `full`: as much as the budgets name, instead of what ends in half an hour.

    Fewer than a million records last two seconds on the fastest engine, a third of them its start.
    """

    records: int = 1_000_000
    rounds: int = 3
    full: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """Where everything runs: the broker's topics and process, a folder, the class path of the Java job."""

    stock: Stock
    broker_pid: int
    folder: Path
    class_path: str
    say: Say


@dataclass(frozen=True, slots=True)
class Column:
    """One figure: its key in the rows, its title, its form (`str.format` of one value)."""

    key: str
    title: str
    form: str = "{}"

    def shown(self, row: Row) -> str:
        """The cell as text; empty where the row has no such figure."""
        value = row.get(self.key, "")
        if isinstance(value, bool):
            return "yes" if value else "NO"
        return self.form.format(value) if value != "" else ""


@dataclass(frozen=True, slots=True)
class Section:
    """One table. `about` says in a sentence or two what was measured and how to read it."""

    name: str
    title: str
    about: str
    columns: tuple[Column, ...]
    measure: Callable[[Ground, Plan], Awaitable[list[Row]]]


SUBJECT = Column("subject", "")
RATE = Column("rate", "requests/s", "{:,.0f}")
CLIENT = Column("client_us", "CPU µs per request", "{:,.1f}")
BROKER = Column("broker_us", "broker's CPU µs", "{:,.1f}")
RSS = Column("rss_mib", "MiB", "{:,.0f}")
