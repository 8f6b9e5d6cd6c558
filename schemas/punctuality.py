"""How soon a provider has to report what became of a message, where its entry says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemas.records.root import Record

if TYPE_CHECKING:
    from schemas.records import Provider

WITHIN = "receipts_within_s"
"""Key in a provider's `config`; no carrier sees it."""
LONGEST_S = 3_600


class SendTimed(msgspec.Struct, frozen=True, kw_only=True):
    """A provider took a message, or the first report of it came; counted, and written nowhere.

    `told_at`: when that was (ms); `is_new`: it took it; `is_in_time`: it was reported within `within_ms`.
    """

    account: str
    within_ms: int
    sent_at: int
    told_at: int
    is_new: bool
    is_in_time: bool


class ReceiptsSlot(Record, frozen=True, kw_only=True):
    """Messages that were sent in one slot of time: so many, of so many the first report came in time."""

    begins_at: int
    sent: int
    in_time: int


class ReceiptsCounted(Record, frozen=True, kw_only=True):
    """How soon a provider reports, as one worker counted it. Topic `receipts.counts`, key = account.

    The figures are absolute and whole, so a report may be lost or repeated: the last one of a worker counts.
    """

    account: str
    worker: str  # of one life of it
    within_ms: int  # what counted as in time
    told_at: int  # when the newest came that is counted
    slots: list[ReceiptsSlot]


def within_ms(provider: Provider) -> int | None:
    """The time in which its reports are to come; None: it is not judged by them."""
    given = provider.config.get(WITHIN)
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= LONGEST_S:
        return None
    return given * 1_000
