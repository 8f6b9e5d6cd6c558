"""The filters a template may use, and the inner ones that the grammar weaves in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context, Undefined, markup_join, str_join
from jinja2.utils import _PassArg

from connectors.templates.bounded import BOUNDED
from connectors.templates.grammar import JOINED, MEASURED, SCALAR, TURNS
from connectors.templates.meter import (
    CONTAINERS,
    TEXT_CHARS_PER_TURN,
    LimitReachedError,
    check_argument,
    meter_of,
)

LARGEST_PRECISION = 10
LOOPED = (*CONTAINERS, Iterator)
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
    "sum",
    "title",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
)
SHALLOW = frozenset(
    {
        "count",
        "first",
        "items",
        "last",
        "length",
        "list",
        "map",
        "reject",
        "rejectattr",
        "reverse",
        "select",
        "selectattr",
    }
)
"""Filters that look at items and never into them; filters and tests that they call are charged themselves."""


HEADS: Mapping[Any, Callable[[Context], Any] | None] = {
    None: None,
    _PassArg.context: lambda context: context,
    _PassArg.eval_context: lambda context: context.eval_ctx,
    _PassArg.environment: lambda context: context.environment,
}
"""What a filter of Jinja2 takes before its value."""


def filters() -> dict[str, Any]:
    """Every filter a template may use, each paying for what it takes and makes."""
    acts: dict[str, Callable[..., Any]] = {name: FILTERS[name] for name in PLAIN_FILTERS}
    acts |= BOUNDED | {"round": round_number}
    paid = {name: metered(act, is_shallow=name in SHALLOW) for name, act in acts.items()}
    ours = {"default": default, "d": default}
    return paid | ours | {TURNS: turns, MEASURED: measured, JOINED: joined, SCALAR: scalar}


def metered(act: Callable[..., Any], *, is_shallow: bool) -> Callable[..., Any]:
    """Wrap a filter: its value and its result are charged, its arguments bounded."""
    first = HEADS[getattr(act, "jinja_pass_arg", None)]

    @pass_context
    def paid(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            for argument in (*args, *kwargs.values()):
                check_argument(argument)
        meter = meter_of(context)
        taken = meter.measured(value) if is_shallow else meter.whole(value)
        made = act(taken, *args, **kwargs) if first is None else act(first(context), taken, *args, **kwargs)
        return meter.measured(made)

    return paid


@pass_context
def turns(context: Context, iterable: Any, price: int) -> Any:
    """Charge a loop for all its turns before the first: nothing leaves a loop early."""
    must_exist(iterable)
    if not isinstance(iterable, LOOPED):
        raise LimitReachedError("a loop needs an array or object")
    meter = meter_of(context)
    items = meter.measured(iterable)
    if price > 1:
        meter.charge(len(items) * (price - 1))
    return items


@pass_context
def measured(context: Context, value: Any) -> Any:
    """Charge for what `in` searches or a slice is cut from."""
    return meter_of(context).measured(value)


@pass_context
def joined(context: Context, values: tuple[Any, ...]) -> str:
    """Join texts (`~`), each charged before the whole is made."""
    charge = meter_of(context).whole
    return (markup_join if context.eval_ctx.autoescape else str_join)(charge(value) for value in values)


@pass_context
def scalar(context: Context, value: Any) -> Any:
    """Charge for comparing a long text, refuse to compare whole arrays and objects."""
    if isinstance(value, CONTAINERS):
        raise LimitReachedError("arrays and objects are not compared: use `length` or one of their items")
    if isinstance(value, str) and len(value) > TEXT_CHARS_PER_TURN:
        meter_of(context).measured(value)
    return value


def default(value: Any, other: Any = "", boolean: bool = False) -> Any:  # noqa: FBT001, FBT002 - Jinja2's signature
    """Take `other` for what was not given; with `boolean` also for what is empty."""
    if isinstance(value, Undefined) or value is None or (boolean and not value):
        return other
    return value


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
