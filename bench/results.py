"""Figures kept beside the code: one entry per section, replaced when that section is measured again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.machine import machine
from bench.sections import Row

FILE = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Entry:
    """A section's rows, when and on what they were measured, and how much was asked for."""

    rows: list[Row]
    measured: str
    machine: dict[str, str]
    plan: dict[str, Any]


def read(path: Path = FILE) -> dict[str, Entry]:
    """All entries by section; none when there is no file."""
    if not path.exists():
        return {}
    return {name: Entry(**entry) for name, entry in json.loads(path.read_text()).items()}


def entry_of(rows: list[Row], plan: dict[str, Any]) -> Entry:
    """The entry of figures that have just been measured."""
    kept = [{key: _rounded(value) for key, value in row.items()} for row in rows]
    return Entry(kept, datetime.now(UTC).date().isoformat(), machine(), plan)


def write(entries: dict[str, Entry], path: Path = FILE) -> None:
    """Keep the entries."""
    plain = {
        name: {"rows": e.rows, "measured": e.measured, "machine": e.machine, "plan": e.plan}
        for name, e in entries.items()
    }
    path.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n")


def _rounded(value: str | float | bool) -> str | float | bool:  # noqa: FBT001 - a cell
    """Four digits: the noise of a machine is larger."""
    return float(f"{value:.4g}") if isinstance(value, float) else value
