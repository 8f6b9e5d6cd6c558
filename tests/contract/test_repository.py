"""What the repository promises: exact versions, the libraries that the spec names, one word for a channel."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("streams", "agents", "tables", "schemas", "connectors")
PIN = re.compile(r"[a-z0-9][a-z0-9._-]*==[\w.!+]+( ;.*)?")
NAMED = {
    "faust": "streams",
    "aiokafka": "streams",
    "rocksdict": "streams",
    "fastavro": "schemas",
    "orjson": "schemas",
    "aiohttp": "connectors",
    "asyncpg": "connectors",
    "jinja2": "connectors",
    "pytest": "tests",
    "testcontainers": "tests",
}
"""Libraries of GEN-007 and a room that uses each."""
OTHER_WORDS = re.compile(r"\b(inapp(?!-communications)|in-app|InApp|inApp)\b")


def project() -> dict[str, Any]:
    """The project's table of `pyproject.toml`."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def pins() -> list[str]:
    """Lines of the constraints file without comments."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def normal(requirement: str) -> str:
    """The name in a requirement, as constraints write it."""
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    assert [] == [line for line in pins() if not PIN.fullmatch(line)]


def test_everything_the_project_asks_for_has_an_exact_version() -> None:
    extras = project()["optional-dependencies"].values()
    asked = {normal(one) for group in (project()["dependencies"], *extras) for one in group}
    assert set() == asked - {normal(line) for line in pins()}


@pytest.mark.parametrize(("library", "room"), NAMED.items())
def test_a_library_of_the_spec_is_used_where_it_belongs(library: str, room: str) -> None:
    assert library in {name for path in (ROOT / room).rglob("*.py") for name in imported(path)}


def imported(path: Path) -> set[str]:
    """Top-level names that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_nothing_is_mocked() -> None:
    mocking = {"mock", "pytest_mock"} - set(sys.stdlib_module_names)
    folders = [*ROOMS, "tests", "examples"]
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 200
    source = "from unittest " + "import mock"
    assert [] == [path for path in paths if imported(path) & mocking or source in path.read_text("utf-8")]


def test_the_channel_of_the_app_has_one_word() -> None:
    paths = [
        path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in {".py", ".avsc", ".sql"}
    ]
    assert [] == [path for path in paths if OTHER_WORDS.search(path.read_text(encoding="utf-8"))]


def test_make_alone_lists_its_targets_with_a_sentence_each() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    told = dict(line.split(maxsplit=2)[1:] for line in listed.splitlines())
    assert {"setup", "demo", "test", "check", "bench", "clean"} <= set(told)
    assert [] == [name for name, sentence in told.items() if len(sentence.split()) < 3]


@pytest.mark.spec("NS-OPS-093")
def test_the_ci_runs_the_static_checks_and_then_the_readmes_command() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    steps = [line for line in script.read_text(encoding="utf-8").splitlines() if line.startswith("make ")]
    assert ["make lint", "make test"] == steps
