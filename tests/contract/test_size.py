"""Modules stay small enough to be read at once, and the figures of the README are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.settings import Settings
from streams.stages import stage_names

ROOT = Path(__file__).parents[2]
FOLDERS = ("streams", "agents", "tables", "schemas", "connectors", "tests", "examples")
LONGEST = 250
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("name", [str(path.relative_to(ROOT)) for path in MODULES])
def test_a_module_can_be_read_at_once(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST


def test_the_readme_counts_tasks_and_producers_of_an_idle_up_as_they_are() -> None:
    """Every task but the sink's, which writes to Postgres, owns a producer; HTTP has two more."""
    stages, partitions = len(stage_names()) - 2, Settings().kafka.partitions
    tasks, owners = stages * partitions + 2, (stages - 1) * partitions + 2
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    by_stage = f"{stages} stages × {partitions} partitions and one each of `audience` and `quarantine`"  # noqa: RUF001 - as the page writes it
    assert f"{by_stage} = {tasks} tasks; {owners} of them own" in readme
    assert f"has two more, of seen posts and of audiences: {owners + 2} producers" in readme


def test_the_readme_says_what_an_idle_up_costs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, section = readme.partition("## What an idle `up` costs")
    table = section.partition("\n## ")[0]
    assert "| process | CPU | memory |" in table
    rows = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 5
    assert [] == [name for name, cpu, memory in rows if "%" not in cpu or "MiB" not in memory]
