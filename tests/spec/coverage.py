"""Items of the specification, the tests that bear their ids, and the page that puts them side by side.

`tests/spec/*.txt`: a title, then a line per item, `<id> <must|should> | <what> [| <why no test shows it>]`.
A reason that begins with `left:` is work that is left. A test bears ids, with blanks between, by
`@pytest.mark.spec("SEEN-053 SEEN-OP-12")`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

TESTS: Final = Path(__file__).parent.parent
PAGE: Final = TESTS.parent / "docs" / "coverage.md"
LEFT: Final = "left:"
HEAD: Final = """\
# Coverage of the specification

Written by `python -m tests.spec` from the lists in `tests/spec/` and from the tests that bear an item's id
(`@pytest.mark.spec`). An item that the specification puts off itself ([future]) is not listed. "No test" is
what no test of this repository can show: a part of clients or operators, a plan, an aim. "Left" is what is
not there whole; tests may show the rest of it.
"""
SUMS: Final = ("subject", "must", "shown", "no test", "left", "should", "shown", "no test", "left")


class Item(NamedTuple):
    """One statement of the specification; `why`: no test shows all of it."""

    item_id: str
    priority: str
    what: str
    why: str

    @property
    def is_left(self) -> bool:
        """Whether something of it is still to be built."""
        return self.why.startswith(LEFT)


class Subject(NamedTuple):
    """One list."""

    title: str
    items: list[Item]


class Shown(NamedTuple):
    """A test that bears an id. `path`: from the root of the repository."""

    path: str
    test: str

    @property
    def sentence(self) -> str:
        """The test's name, as it is read."""
        return self.test.removeprefix("test_").replace("_", " ")


def subjects() -> list[Subject]:
    """All lists, by the names of their files."""
    return [
        _subject(path.read_text(encoding="utf-8")) for path in sorted(Path(__file__).parent.glob("*.txt"))
    ]


def _subject(text: str) -> Subject:
    title, *lines = [line for line in text.splitlines() if line.strip()]
    return Subject(title, [_item(line) for line in lines])


def _item(line: str) -> Item:
    head, what, *why = (part.strip() for part in line.split(" | "))
    item_id, priority = head.split()
    return Item(item_id, priority, what, why[0] if why else "")


def marked() -> dict[str, list[Shown]]:
    """Tests by the ids that they bear, in the order of their files."""
    found: dict[str, list[Shown]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "mark.spec(" not in source:
            continue
        name = str(path.relative_to(TESTS.parent))
        for test, item_id in _marks(source):
            found.setdefault(item_id, []).append(Shown(name, test))
    return found


def _marks(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.spec":
                    yield from ((node.name, one) for one in str(ast.literal_eval(call.args[0])).split())


def page() -> str:
    """The whole page, in Markdown."""
    tests, found = marked(), subjects()
    left = [part for subject in found for part in _left(subject, tests)]
    parts = [HEAD, _table(SUMS, _summary(found, tests)), "## Left\n", *(left or ["Nothing.\n"])]
    for subject in found:
        rows = _rows(subject, tests)
        parts += [f"## {subject.title}\n", _table(("item", "priority", "what", "shown by"), rows)]
    return "\n".join(parts)


def _left(subject: Subject, tests: dict[str, list[Shown]]) -> list[str]:
    """Heading and list of what a subject still lacks; items that lack the same stand together."""
    by_why: dict[str, list[Item]] = {}
    for item in subject.items:
        if _is_open(item, tests):
            by_why.setdefault(_why(item), []).append(item)
    lines = [f"- {_named(items)}: {why}.\n" for why, items in by_why.items()]
    return [f"### {subject.title}\n", "".join(lines)] if lines else []


def _named(items: list[Item]) -> str:
    ids = [f"{item.item_id}{' (should)' if item.priority == 'should' else ''}" for item in items]
    return f"{ids[0]}, {items[0].what}" if len(items) == 1 else ", ".join(ids)


def _rows(subject: Subject, tests: dict[str, list[Shown]]) -> Iterator[tuple[str, ...]]:
    """Neighbours of one priority that the same tests show are one row."""
    for (priority, shown), same in groupby(subject.items, lambda item: (item.priority, _shown(item, tests))):
        items = list(same)
        ids = ", ".join(item.item_id for item in items)
        yield ids, priority, "; ".join(item.what for item in items), shown


def _summary(found: list[Subject], tests: dict[str, list[Shown]]) -> list[tuple[str, ...]]:
    """A row of each subject, which leads to its table, and one of all."""
    lines = [_sums(subject, tests) for subject in found]
    every = [str(sum(int(line[place]) for line in lines)) for place in range(1, len(SUMS))]
    linked = [(f"[{title}](#{_anchor(title)})", *sums) for title, *sums in lines]
    return [*linked, ("all", *every)]


def _anchor(title: str) -> str:
    """Where a heading of Markdown is found."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _is_open(item: Item, tests: dict[str, list[Shown]]) -> bool:
    return item.is_left or not (item.why or tests.get(item.item_id))


def _sums(subject: Subject, tests: dict[str, list[Shown]]) -> tuple[str, ...]:
    cells = [subject.title]
    for priority in ("must", "should"):
        items = [item for item in subject.items if item.priority == priority]
        left = sum(_is_open(item, tests) for item in items)
        shown = sum(item.item_id in tests and not _is_open(item, tests) for item in items)
        cells += [str(many) for many in (len(items), shown, len(items) - shown - left, left)]
    return tuple(cells)


def _shown(item: Item, tests: dict[str, list[Shown]]) -> str:
    """Tests of one file together, behind each other."""
    by_path: dict[str, list[str]] = {}
    for one in tests.get(item.item_id, []):
        by_path.setdefault(one.path, []).append(one.sentence)
    told = [f"{'; '.join(names)} (`{path}`)" for path, names in by_path.items()]
    return "<br>".join([*told, *([_why(item)] if item.why else [])]) or "nothing"


def _why(item: Item) -> str:
    return item.why.removeprefix(LEFT).strip() or "no test bears its id"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
