"""Each engine rule names tests on a real broker, and they are there (docs/engine-rules.md)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "engine-rules.md"
RULES = [str(number) for number in range(1, 19)]
NAMED = re.compile(r"`(test_\w+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    """The table's cells, without its head."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def named() -> list[tuple[str, str]]:
    return [found for *_, tests, _ in rows() for found in NAMED.findall(tests)]


def docstrings_of(path: Path) -> dict[str, str]:
    """Tests of a file with their docstrings."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name: ast.get_docstring(node) or "" for node in functions if node.name.startswith("test_")}


def test_every_rule_has_one_row() -> None:
    """And opening a task, which is a rule without a number."""
    assert sorted([*RULES, "open"]) == sorted(rule for rule, *_ in rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"rule-{row[0]}")
def test_a_row_names_a_test_and_what_was_removed(row: list[str]) -> None:
    _, short, tests, removed = row
    assert NAMED.findall(tests)
    assert short
    assert removed


@pytest.mark.parametrize(("file", "test"), named())
def test_a_test_that_the_page_names_exists(file: str, test: str) -> None:
    assert test in docstrings_of(ROOT / "tests" / "broker" / file)


def without_a_mutation() -> list[str]:
    files = sorted((ROOT / "tests" / "broker").glob("test_engine_*.py"))
    return [
        f"{path.name}::{name}"
        for path in files
        for name, told in docstrings_of(path).items()
        if "Mutation" not in told
    ]


def test_every_engine_test_says_which_mutation_makes_it_fail() -> None:
    assert [] == without_a_mutation()
