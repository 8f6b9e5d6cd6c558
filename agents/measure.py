"""How soon a provider reports of what it took: receipts that are slow cost it weight.

consumes  two states of a message
keeps     nothing
emits     SendTimed, which is counted

The first sign that it arrived, or did not, counts, whoever gives it: a client of the app proves as much as a
webhook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.punctuality import SendTimed
from schemas.rates import account_of
from schemas.words import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tables.progress import Progress

    Within = Callable[[str, str], int | None]

SIGNS = (Status.DELIVERED, Status.OPENED, Status.CLICKED)


def unjudged(_channel: str, _provider: str) -> None:
    """Where no provider is judged by its receipts."""


def measure(before: Progress | None, after: Progress, told_at: int, within: Within) -> SendTimed | None:
    """What a fact that came at `told_at` (ms) adds. `within`: channel and provider → the time it has (ms).

    A report that overtakes the word that it was sent is in time.
    """
    sent = after.facts.get(Status.SENT)
    if sent is None or sent.provider is None:
        return None
    limit_ms = within(after.queued.channel, sent.provider)
    if limit_ms is None:
        return None
    is_new = before is None or Status.SENT not in before.facts
    is_reported = _is_reported(after)
    if not is_new and (not is_reported or before is None or _is_reported(before)):
        return None
    return SendTimed(
        account=account_of(after.queued.channel, sent.provider),
        within_ms=limit_ms,
        sent_at=sent.at,
        told_at=told_at,
        is_new=is_new,
        is_in_time=is_reported and (is_new or told_at - sent.at <= limit_ms),
    )


def _is_reported(progress: Progress) -> bool:
    return bool(progress.undelivered) or any(sign in progress.facts for sign in SIGNS)
