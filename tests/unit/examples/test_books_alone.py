"""The books are kept by code that knows nothing of the product: otherwise one mistake would be made twice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
ROOMS = {"streams", "agents", "tables", "schemas", "connectors"}
SCRIPTS = sorted(EXAMPLES.rglob("*.py"))


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_of_the_examples_imports_a_room(path: Path) -> None:
    assert set() == imported(path) & ROOMS


def test_there_are_scripts_to_look_at() -> None:
    assert {"books.py", "generate.py", "expected.py"} <= {path.name for path in SCRIPTS}
