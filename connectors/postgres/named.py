"""Queries live in `.sql` files, each with a name and a sentence.

-- name: find_thing
-- The thing of one id.
SELECT …;
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEAD = re.compile(r"^-- name: (\w+)\n-- \S.*$", re.MULTILINE)


@cache
def named_queries(file: str) -> Mapping[str, str]:
    """Read `queries/<file>.sql`: name → statement."""
    text = files("connectors.postgres").joinpath("queries", f"{file}.sql").read_text()
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    queries = {head[1]: text[head.end() : end].strip() for head, end in zip(heads, ends, strict=True)}
    if len(queries) != len(heads) or not all(queries.values()):
        raise ValueError(f"queries/{file}.sql: a name stands twice or has no statement")
    return MappingProxyType(queries)


@cache
def migrations() -> tuple[tuple[str, str], ...]:
    """Read all migrations in order: (file name, statements)."""
    folder = files("connectors.postgres").joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((name, folder.joinpath(name).read_text()) for name in names)
