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
    `high_rate`: high-priority requests a second, in the section about lanes.
    """

    records: int = 1_000_000
    rounds: int = 3
    full: bool = False
    high_rate: int = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to measure in, and where to tell what is being done."""

    folder: Path
    say: Say


@dataclass(frozen=True, slots=True)
class Ground(Place):
    """Where the engines run: with the broker's topics and process, and the class path of the Java job."""

    stock: Stock
    broker_pid: int
    class_path: str


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
class Table:
    """What is shown of rows. `about` says in a sentence or two what was measured and how to read it."""

    name: str
    title: str
    about: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Section(Table):
    """One table of the bench, and how its rows come about."""

    measure: Callable[[Ground, Plan], Awaitable[list[Row]]]


SUBJECT = Column("subject", "")
RATE = Column("rate", "requests/s", "{:,.0f}")
CLIENT = Column("client_us", "CPU µs per request", "{:,.1f}")
BROKER = Column("broker_us", "broker's CPU µs", "{:,.1f}")
RSS = Column("rss_mib", "MiB", "{:,.0f}")
