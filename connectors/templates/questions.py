"""What may stand behind `is`: tests that take longer for a longer value are charged like filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from jinja2.runtime import Context, Undefined
from jinja2.tests import TESTS

from connectors.templates.meter import LimitReachedError, check_argument, meter_of

if TYPE_CHECKING:
    from collections.abc import Callable

FREE_TESTS = (
    "boolean",
    "false",
    "float",
    "integer",
    "iterable",
    "mapping",
    "none",
    "number",
    "sequence",
    "string",
    "true",
    "undefined",
)
PAID_TESTS = ("eq", "equalto", "ge", "gt", "le", "lower", "lt", "ne", "upper")
NUMBER_TESTS = ("divisibleby", "even", "odd")
PLAIN_TESTS = (*FREE_TESTS, *PAID_TESTS, *NUMBER_TESTS)


def tests() -> dict[str, Any]:
    """List what may stand behind `is`."""
    known: dict[str, Any] = {**TESTS}
    free = {name: known[name] for name in FREE_TESTS}
    paid = {name: metered(known[name]) for name in PAID_TESTS}
    numbers = {name: metered(_of_number(known[name])) for name in NUMBER_TESTS}
    return free | paid | numbers | {"defined": is_given, "in": metered(is_in)}


def metered(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a test: what it looks at is charged. With a context it is never run while compiling, either."""

    @pass_context
    def paid(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        charge = meter_of(context).whole
        given = [charge(argument) for argument in args]
        return ask(charge(value), *given, **{name: charge(each) for name, each in kwargs.items()})

    return paid


def _of_number(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Numbers only: these tests compute a remainder, and `%` of a text would format it."""

    def asked(*numbers: Any, **named: Any) -> Any:
        if not all(isinstance(each, int | float) for each in (*numbers, *named.values())):
            raise LimitReachedError("`odd`, `even` and `divisibleby` need numbers")
        return ask(*numbers, **named)

    return asked


def is_given(value: Any) -> bool:
    """Test `is defined`: an optional variable that was not given is not defined."""
    return value is not None and not isinstance(value, Undefined)


def is_in(value: Any, values: Any) -> bool:
    """Test `is in` over short constant lists; the operator `in` takes the long ones."""
    check_argument(values)
    return value in values
