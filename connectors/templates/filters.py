"""The filters and tests a template may use, and the inner ones that the grammar weaves in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context, Undefined
from jinja2.tests import TESTS

from connectors.templates.grammar import JOINED, MEASURED, SCALAR, TURNS
from connectors.templates.meter import (
    BUDGET_TURNS,
    TEXT_CHARS_PER_TURN,
    LimitReachedError,
    check_argument,
    meter_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_PRECISION = 10
PLAIN_FILTERS = (
    "abs",
    "capitalize",
    "count",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "select",
    "selectattr",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
)
PLAIN_TESTS = (
    "boolean",
    "divisibleby",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "string",
    "true",
    "undefined",
    "upper",
)


def filters() -> dict[str, Any]:
    """Every filter a template may use, each paying for what it takes and makes."""
    plain: dict[str, Callable[..., Any]] = {name: metered(FILTERS[name]) for name in PLAIN_FILTERS}
    ours = {"replace": metered(replace), "round": metered(round_number), "default": default, "d": default}
    return plain | ours | {TURNS: turns, MEASURED: measured, JOINED: measured, SCALAR: scalar}


def tests() -> dict[str, Any]:
    """List what may stand behind `is`."""
    return {name: TESTS[name] for name in PLAIN_TESTS} | {"defined": is_given, "in": is_in}


def metered(act: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a filter: its value and its result are charged, its arguments bounded."""
    kind = getattr(act, "jinja_pass_arg", None)
    wanted = kind.name if kind is not None else ""

    @pass_context
    def paid(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        for argument in (*args, *kwargs.values()):
            check_argument(argument)
        meter = meter_of(context)
        given: Mapping[str, Any] = {
            "context": context,
            "eval_context": context.eval_ctx,
            "environment": context.environment,
        }
        head = (given[wanted],) if wanted else ()
        return meter.measured(act(*head, meter.measured(value), *args, **kwargs))

    return paid


@pass_context
def turns(context: Context, iterable: Any) -> Any:
    """Charge a loop for all its turns before the first: nothing leaves a loop early."""
    must_exist(iterable)
    if not isinstance(iterable, list | tuple | dict | Iterator):
        raise LimitReachedError("a loop needs an array or object")
    return meter_of(context).measured(iterable)


@pass_context
def measured(context: Context, value: Any) -> Any:
    """Charge for a text that was joined, or for what `in` searches."""
    return meter_of(context).measured(value)


def scalar(value: Any) -> Any:
    """Refuse to compare whole arrays and objects."""
    if isinstance(value, list | dict):
        raise LimitReachedError("arrays and objects are not compared: use `length` or one of their items")
    return value


def default(value: Any, other: Any = "", boolean: bool = False) -> Any:  # noqa: FBT001, FBT002 - Jinja2's signature
    """Take `other` for what was not given; with `boolean` also for what is empty."""
    if isinstance(value, Undefined) or value is None or (boolean and not value):
        return other
    return value


def is_given(value: Any) -> bool:
    """Test `is defined`: an optional variable that was not given is not defined."""
    return value is not None and not isinstance(value, Undefined)


def is_in(value: Any, values: Any) -> bool:
    """Test `is in` over short constant lists; the operator `in` takes the long ones."""
    check_argument(values)
    return value in values


def replace(text: Any, old: str, new: str) -> Any:
    """Replace all; refused before it makes a text that is too long."""
    text = text if isinstance(text, str) else str(text)
    if len(text) + text.count(old) * len(new) > BUDGET_TURNS * TEXT_CHARS_PER_TURN:
        raise LimitReachedError("`replace` would make a text too long")
    return text.replace(old, new)


def round_number(value: float, precision: int = 0) -> float | int:
    """Round half to even; without `precision` the result is an integer."""
    if not 0 <= precision <= LARGEST_PRECISION:
        raise LimitReachedError(f"`round` takes a precision from 0 to {LARGEST_PRECISION}")
    rounded = round(value, precision)
    return int(rounded) if precision == 0 and math.isfinite(rounded) else rounded


def must_exist(value: Any) -> None:
    """Raise with its name when a value was looked up and not found."""
    if isinstance(value, Undefined):
        str(value)  # raises, with the name
