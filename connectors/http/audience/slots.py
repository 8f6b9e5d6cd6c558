"""Places for audience requests, taken before a body is read: memory is bounded whatever callers do.

`most_memory` is the bound; a test measures what stands in it, another holds the chart's limit against it.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from connectors.http.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiohttp import web

LARGEST_BODY = 16 << 20
SMALL_BODY = 64 << 10
LARGEST_LIST = 8 << 20
"""Of users whom a query selects, as the resolver answers."""

MOST_VALUES = 1_000_000
"""Commas in a body. A full request has 200 000; many tiny values would take sixteen times their bytes."""

DESK_MEMORY = 160 << 20
"""Of the one large body that is worked on: decoded, checked, encoded."""

WRITTEN_MEMORY = 2 * LARGEST_BODY
"""Of the one request that is being written: its batches, and what the connection has not sent."""

TIMES_DECODED = 20
"""So many times its bytes a small body takes at most."""

RETRY_SOON = {"Retry-After": "1"}


class Size(StrEnum):
    """Kinds of places."""

    LARGE = "large"
    SMALL = "small"
    WITHDRAWAL = "withdrawal"
    QUERY = "query"


PLACES: Mapping[Size, int] = {Size.LARGE: 4, Size.SMALL: 32, Size.WITHDRAWAL: 8, Size.QUERY: 1}
"""A publish request that waits takes no place of a withdrawal, a large one none of a small one. That of a
query is held beside the one of its small body."""


def most_memory() -> int:
    """Bytes that audience requests of a process take at most, whatever callers do."""
    small = (PLACES[Size.SMALL] + PLACES[Size.WITHDRAWAL]) * SMALL_BODY * TIMES_DECODED
    large = PLACES[Size.LARGE] * LARGEST_BODY + PLACES[Size.QUERY] * LARGEST_LIST
    return large + DESK_MEMORY + WRITTEN_MEMORY + small


class Slots:
    """The places of one process. `desk`: large bodies are decoded, checked and encoded one at a time."""

    def __init__(self, places: Mapping[Size, int] = PLACES) -> None:
        self._free = dict(places)
        self.desk = asyncio.Lock()

    @contextmanager
    def taken(self, size: Size) -> Iterator[None]:
        """Hold a place in the block; `ProblemError` (503, Retry-After) at once when all are taken."""
        if not self._free[size]:
            raise ProblemError(Code.BUSY, headers=RETRY_SOON)
        self._free[size] -= 1
        try:
            yield
        finally:
            self._free[size] += 1


def size_of(request: web.Request) -> Size:
    """By what the caller says; who does not say, or sends it packed, is taken for large."""
    told = request.content_length
    is_small = told is not None and told <= SMALL_BODY and "Content-Encoding" not in request.headers
    return Size.SMALL if is_small else Size.LARGE


def largest(size: Size) -> int:
    """How long a body in such a place may be."""
    return LARGEST_BODY if size is Size.LARGE else SMALL_BODY
