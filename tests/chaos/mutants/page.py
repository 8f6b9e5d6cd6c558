"""`docs/mutants.md`, from the runs that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.chaos.mutants.catalogue import MUTANTS
from tests.chaos.mutants.courses import COURSES
from tests.chaos.mutants.outcomes import is_caught
from tests.chaos.mutants.patches import ROOT
from tests.chaos.report import machine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.chaos.mutants.outcomes import Book, Came

PAGE: Final = ROOT / "docs" / "mutants.md"
HEAD: Final = """\
# Mutants

Made by `python -m tests.chaos.mutants` (`make mutants`); do not edit.

A mutant is a copy of the product with one promise broken. A course of blows is run on an unpatched copy
first, which must balance, and then on the mutant. The checker of the chaos run (`tests/chaos/books.py`) reads
topics, rows and the providers' ledger, shares no code with the pipeline and is told nothing. A mutant is
caught when the books differ: ids *missing* (lost), in *surplus* (repeated), out of order, or going back.
"""


def write_page(book: Book) -> None:
    """Write the page."""
    PAGE.write_text(page(book), encoding="utf-8")


def page(book: Book) -> str:
    """The page's text."""
    told = ", ".join(f"{name} {value}" for name, value in machine().items())
    caught = sum(_is_caught(book, mutant.name) for mutant in MUTANTS)
    parts = [
        HEAD,
        f"{caught} of {len(MUTANTS)} mutants are caught. Seconds are of whole runs: {told}.\n",
        "## Mutants\n",
        *_table(("mutant", "what it breaks", "course", "s", "caught by"), _mutants(book)),
        "\n## Courses without a patch\n",
        *_table(("course", "what falls, and what was seen of it", "s", "lines", "books"), _controls(book)),
    ]
    return "\n".join(parts) + "\n"


def _is_caught(book: Book, name: str) -> bool:
    return name in book.mutants and is_caught(book.mutants[name].came)


def _mutants(book: Book) -> list[tuple[str, ...]]:
    return [
        (
            mutant.name,
            mutant.breaks,
            mutant.course,
            f"{book.mutants[mutant.name].came.seconds:.0f}" if mutant.name in book.mutants else "",
            _differences(book.mutants[mutant.name].came) if mutant.name in book.mutants else "not run",
        )
        for mutant in MUTANTS
    ]


def _differences(came: Came) -> str:
    told = [
        one.check
        + (f", {one.missing} missing" if one.missing else "")
        + (f", {one.surplus} in surplus" if one.surplus else "")
        for one in came.differences
    ]
    told += came.problems
    return "; ".join(told) if is_caught(came) else f"**not caught** {'; '.join(told)}"


def _controls(book: Book) -> list[tuple[str, ...]]:
    runs = [(name, book.controls[name].came) for name in COURSES if name in book.controls]
    return [
        (name, "; ".join(came.blows), f"{came.seconds:.0f}", str(came.lines), _books(came))
        for name, came in runs
    ]


def _books(came: Came) -> str:
    problems = [one.check for one in came.differences]
    return "; ".join([*problems, *came.idle, *came.fallen, *came.problems]) or "balance"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
