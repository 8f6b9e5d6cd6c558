"""Moments of a delivery, and its outcomes in short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from agents.begin import Moment
from schemas.records import AttemptEnded, CallEnded, ProviderCall, RetryDue
from tests.messages import T0

ONE = Moment(T0, ["first"])


TWO = Moment(T0, ["first", "second"])


def words(outcomes: Sequence[object]) -> list[tuple[str, str | None]]:
    """Statuses and reasons of the facts among `outcomes`."""
    return [(o.status, o.reason) for o in outcomes if isinstance(o, AttemptEnded)]


def call(outcomes: Sequence[object]) -> ProviderCall:
    (only,) = [o for o in outcomes if isinstance(o, ProviderCall)]
    return only


def timer(outcomes: Sequence[object]) -> RetryDue:
    (only,) = [o for o in outcomes if isinstance(o, RetryDue)]
    return only


def ended(outcome: CallEnded, **changes: Any) -> CallEnded:
    return replace(outcome, **changes)
