"""What one render may spend: turns of loops, sizes of values, sizes of arguments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2.runtime import Context

BUDGET_TURNS = 10_000
TEXT_CHARS_PER_TURN = 64
ARGUMENT_CHARS = 256
ARGUMENT_NUMBER = 10_000
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
        if isinstance(value, Iterator):
            value = list(islice(value, self.left + 1))
        if isinstance(value, str):
            self.charge(1 + len(value) // TEXT_CHARS_PER_TURN)
        elif isinstance(value, list | tuple | dict):
            self.charge(1 + len(value))
        return value


def meter_of(context: Context) -> Meter:
    """Find the meter of the render that runs."""
    meter: Meter = context.parent[METER]
    return meter


def check_argument(argument: Any) -> None:
    """Refuse arguments of filters that only an attack has."""
    sized = isinstance(argument, str | list | tuple | dict)
    if (sized and len(argument) > ARGUMENT_CHARS) or (
        isinstance(argument, int) and abs(argument) > ARGUMENT_NUMBER
    ):
        raise LimitReachedError(f"an argument is longer than {ARGUMENT_CHARS} or above {ARGUMENT_NUMBER}")
