"""What one render may spend: turns of loops, sizes of values, sizes of arguments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2.runtime import Context

BUDGET_TURNS = 10_000
TEXT_CHARS_PER_TURN = 64
PARTS_PER_TURN = 16
CHARS_PER_PART = TEXT_CHARS_PER_TURN // PARTS_PER_TURN
DEEPEST = 16
ARGUMENT_CHARS = 256
ARGUMENT_NUMBER = 10_000
ARGUMENT_PARTS = 4096
LARGEST_BITS = 128
CONTAINERS = (list, tuple, dict)
METER = " meter"  # no template can spell a name with a blank


class LimitReachedError(Exception):
    """A template asked for more than its budget, or for what no template gets. The text holds no data."""


class Meter:
    """What one render may still spend."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = BUDGET_TURNS

    def charge(self, turns: int) -> None:
        self.left -= turns
        if self.left < 0:
            raise LimitReachedError(f"loops and filters took more than {BUDGET_TURNS} turns")

    def measured(self, value: Any) -> Any:
        """Charge for the size of a value; an iterator becomes a list and has one."""
        if isinstance(value, str):
            self.charge(1 + len(value) // TEXT_CHARS_PER_TURN)
        elif isinstance(value, CONTAINERS):
            self.charge(1 + len(value))
        elif isinstance(value, int):
            if value.bit_length() > LARGEST_BITS:
                raise LimitReachedError("a number grew too large")
        elif isinstance(value, Iterator):
            value = list(islice(value, self.left + 1))
            self.charge(1 + len(value))
        return value

    def whole(self, value: Any) -> Any:
        """Charge for what lies inside a value, too: before it is written out, sorted or compared."""
        value = self.measured(value)
        if isinstance(value, CONTAINERS):
            self.charge(_inner_parts(value, self.left * PARTS_PER_TURN) // PARTS_PER_TURN)
        return value


def _inner_parts(value: Any, most: int) -> int:
    """Count items and pieces of text, level by level, until they are more than `most`.

    What is shared counts wherever it stands: a sample of a preview may hold one item a thousand times.
    """
    parts = 0
    level = [value]
    for _ in range(DEEPEST):
        deeper: list[Any] = []
        for each in level:
            parts += len(each)
            if isinstance(each, dict):
                parts += sum(_text_parts(key) for key in each)
            for item in each.values() if isinstance(each, dict) else each:
                parts += _text_parts(item)
                if isinstance(item, CONTAINERS):
                    deeper.append(item)
            if parts > most:
                return parts + PARTS_PER_TURN
        if not deeper:
            return parts
        level = deeper
    raise LimitReachedError(f"a value is deeper than {DEEPEST} levels")


def _text_parts(value: Any) -> int:
    return len(value) // CHARS_PER_PART if isinstance(value, str) else 0


def meter_of(context: Context) -> Meter:
    """Find the meter of the render that runs."""
    meter: Meter = context.parent[METER]
    return meter


def check_argument(argument: Any) -> None:
    """Refuse arguments of filters that only an attack has; the items of a list are arguments, too."""
    sized = isinstance(argument, str | list | tuple | dict)
    if (sized and len(argument) > ARGUMENT_CHARS) or (
        isinstance(argument, int) and abs(argument) > ARGUMENT_NUMBER
    ):
        raise LimitReachedError(f"an argument is longer than {ARGUMENT_CHARS} or above {ARGUMENT_NUMBER}")
    if isinstance(argument, CONTAINERS) and (_inner_parts(argument, ARGUMENT_PARTS) > ARGUMENT_PARTS):
        raise LimitReachedError(f"an argument holds more than {ARGUMENT_PARTS} items or pieces of text")
