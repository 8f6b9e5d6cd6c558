"""Amounts of money as people write them in YAML: `3.5` or `"3.50"`; records hold them as text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.budgets import SCOPE, Period
from schemas.money import FORM
from schemas.records import SpendingBudget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.reference.wire import ReferenceRecord

AMOUNTS = ("cost_per_message", *Period)


def with_amounts(entry: dict[str, Any]) -> dict[str, Any]:
    """Numbers become the digits that stand in the file: those of a float are its shortest ones."""
    given = {name: entry[name] for name in AMOUNTS if isinstance(entry.get(name), int | float)}
    written = {name: f"{Decimal(repr(n)):f}" for name, n in given.items() if not isinstance(n, bool)}
    return entry | written


def amount_checks(record: ReferenceRecord) -> Iterator[str]:
    """What is no amount, and a budget of nothing that is known."""
    for name in AMOUNTS:
        text = getattr(record, name, None)
        if text is not None and not FORM.fullmatch(text):
            yield f"`{name}`: {text!r} is no amount; write it as 12.5, with up to six digits behind the point"
    if isinstance(record, SpendingBudget):
        if not SCOPE.fullmatch(record.of):
            yield f"`of`: {record.of!r} is none of sms (a channel), sms/main (a provider), campaign/spring"
        if all(getattr(record, period) is None for period in Period):
            yield f"name one of {', '.join(Period)}"
