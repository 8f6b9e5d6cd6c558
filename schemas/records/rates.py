"""One rate per provider account: what workers ask for, and what they are granted (NS-CH-OP-03)."""

from __future__ import annotations

from schemas.records.root import Record


class RateDemanded(Record, frozen=True, kw_only=True):
    """How many calls of an account wait in one worker. Topic `rates.demands`, key = account.

    All figures are absolute, so that a report may be lost or repeated; the highest `number` counts. `seen`:
    grants that it has been told of so far; `back`: those of them that found no call waiting.
    """

    account: str
    worker: str  # of one life of it
    number: int
    high: int
    others: int
    seen: int
    back: int
    paused_until: int = 0  # the provider's own word


class RateGranted(Record, frozen=True, kw_only=True):
    """So many calls a worker may have made since it began. Topic `rates.grants`, key = account."""

    account: str
    worker: str
    granted: int


class RateDue(Record, frozen=True, kw_only=True):
    """Timer: there may be something to grant."""

    account: str
    due_at: int
