"""Writes docs/configuration.md from the settings themselves: `python -m streams.settings_doc`."""

from __future__ import annotations

import inspect
from itertools import groupby
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from streams.settings import Settings
from streams.settings_reading import FROM_FILE, Leaf, leaves

PAGE: Final = Path(__file__).parent.parent / "docs" / "configuration.md"
HEAD: Final = """\
# Configuration

Written by `python -m streams.settings_doc`; edit the sentences in `streams/settings.py`.

A setting may stand in a YAML file named by `CARILLON_CONFIG`, in a variable, or in a flag of the command: a
variable wins over the file, a flag over both. In the file the same names are nested: `kafka: {partitions: 8}`
is `CARILLON_KAFKA__PARTITIONS=8`. A secret has no default and may come as `<variable>_FILE`, the path of a
file. Unknown names and wrong values end a command with code 2 and a text that names all of them.
"""


def page() -> str:
    """The whole page, in Markdown."""
    sections = groupby(leaves(Settings), key=lambda leaf: leaf.path[:-1])
    return HEAD + "".join(_section(path, list(rows)) for path, rows in sections)


def _section(path: tuple[str, ...], rows: list[Leaf]) -> str:
    title = f"## {'.'.join(path)}\n\n{inspect.getdoc(_model(path))}\n" if path else "## General\n"
    head = "| variable | default | what it says |\n|---|---|---|\n"
    return f"\n{title}\n{head}" + "".join(_row(leaf) for leaf in rows)


def _model(path: tuple[str, ...]) -> type[BaseModel]:
    """The class of a section, or of one inside it."""
    model: type[BaseModel] = Settings
    for name in path:
        found = model.model_fields[name].annotation
        assert isinstance(found, type)
        model = found
    return model


def _row(leaf: Leaf) -> str:
    name = f"`{leaf.variable}`" + (f", `{FROM_FILE}`" if leaf.secret else "")
    return f"| {name} | {_default(leaf)} | {' '.join((leaf.field.description or '').split())} |\n"


def _default(leaf: Leaf) -> str:
    if leaf.secret or leaf.field.default in (None, PydanticUndefined):
        return ""
    return f"`{leaf.field.default}`"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())
