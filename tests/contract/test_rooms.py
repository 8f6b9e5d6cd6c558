"""The rooms' laws hold, each law is able to break, and no other distribution owns a room."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("streams", "agents", "tables", "schemas", "connectors")
WORDS_MAY_USE = {"schemas", "fastavro", "orjson", "msgspec"}

PLANTED = {
    "layers": ("tables/planted.py", "import agents"),
    "connectors": ("connectors/planted.py", "import tables"),
    "agents": ("agents/planted.py", "import aiohttp"),
    "tables": ("tables/planted.py", "import random"),
    "schemas": ("schemas/planted.py", "import asyncio"),
    "engine": ("streams/engine/planted.py", "import connectors"),
}


def contracts() -> dict[str, str]:
    """Contract's id → name, from the configuration."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {row["id"]: row["name"] for row in configuration["tool"]["importlinter"]["contracts"]}


def verdicts(folder: Path) -> dict[str, str]:
    """Contract's name → KEPT or BROKEN, for the rooms in a folder."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    lines = [line.strip().rsplit(" ", 1) for line in run.stdout.splitlines()]
    found = {line[0]: line[1] for line in lines if line[-1] in ("KEPT", "BROKEN")}
    assert found, run.stdout + run.stderr
    assert ("BROKEN" in found.values()) == (run.returncode != 0)
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The rooms and their laws once more, to break them in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_all_laws_of_the_rooms_hold() -> None:
    assert dict.fromkeys(contracts().values(), "KEPT") == verdicts(ROOT)


def test_every_law_has_its_planted_violation() -> None:
    assert set(contracts()) == set(PLANTED)


@pytest.mark.parametrize("law", PLANTED)
def test_a_planted_violation_breaks_its_law(copy: Path, law: str) -> None:
    file, line = PLANTED[law]
    (copy / file).write_text(f'"""Planted."""\n\n{line}\n')
    assert "BROKEN" == verdicts(copy)[contracts()[law]]


def test_words_use_the_standard_library_and_their_codecs_only() -> None:
    foreign = {
        (str(path.relative_to(ROOT)), name)
        for path in sorted((ROOT / "schemas").rglob("*.py"))
        for name in imported(path)
        if name not in WORDS_MAY_USE and name not in sys.stdlib_module_names
    }
    assert set() == foreign


def imported(path: Path) -> set[str]:
    """Top-level names that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def test_no_other_distribution_owns_a_room() -> None:
    owners = packages_distributions()  # an editable install of ours names no packages
    assert {} == {room: owners[room] for room in ROOMS if set(owners.get(room, ())) - {"carillon"}}
    origins = {room: find_spec(room) for room in ROOMS}
    assert {room: str(ROOT / room / "__init__.py") for room in ROOMS} == {
        room: spec.origin for room, spec in origins.items() if spec is not None
    }


def test_every_room_says_what_it_holds_and_must_not_know() -> None:
    for room in ROOMS:
        text = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
        assert text is not None
        assert "Must not" in text
