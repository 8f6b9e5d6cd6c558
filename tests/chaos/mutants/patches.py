"""What a mutant is, and how a copy of the tree becomes one."""

from __future__ import annotations

import ast
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
COPIED: Final = ("streams", "agents", "tables", "schemas", "connectors", "tests", "examples")
HERE: Final = Path(__file__).parent
PARTS: Final = (".py", ".sql", ".avsc", ".yaml")


class PatchError(Exception):
    """A mutant does not fit the source it was written for."""


@dataclass(frozen=True, slots=True)
class Change:
    """In `file`, `old` stands exactly once and becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """`breaks`: the promise, in a sentence. `course`: the blows that show it."""

    name: str
    breaks: str
    course: str
    changes: tuple[Change, ...]


def patched(text: str, change: Change) -> str:
    """The file's new text; `PatchError` unless the old text is there once and Python still compiles it."""
    found = text.count(change.old)
    if found != 1:
        raise PatchError(f"{change.file}: the old text is there {found} times:\n{change.old}")
    made = text.replace(change.old, change.new)
    if change.file.endswith(".py"):
        try:
            ast.parse(made, change.file)
        except SyntaxError as error:
            raise PatchError(f"{change.file}: the new text is no Python: {error}") from error
    return made


def copy_tree(source: Path, folder: Path) -> None:
    """What a run needs of the tree."""
    for name in COPIED:
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def fingerprint(source: Path) -> str:
    """Of the product, the feed and the checker, but not of the courses: the same source has the same one."""
    digest = blake2b(digest_size=8)
    paths = [path for name in COPIED for path in (source / name).rglob("*") if path.suffix in PARTS]
    for path in sorted(path for path in paths if path.parent != HERE):
        digest.update(str(path.relative_to(source)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def apply(mutant: Mutant, folder: Path) -> None:
    """Make the copy in this folder the mutant."""
    for change in mutant.changes:
        path = folder / change.file
        path.write_text(patched(path.read_text(encoding="utf-8"), change), encoding="utf-8")
