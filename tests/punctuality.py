"""Counts of receipts as a worker tells them."""

from __future__ import annotations

from connectors.providers.punctuality import GRACE_MS, SLOT_MS
from schemas.punctuality import ReceiptsCounted, ReceiptsSlot, SendTimed
from schemas.records import Provider
from tests.messages import SECOND, T0

WITHIN_MS = 60 * SECOND
ACCOUNT = "sms/main"
TIMED = Provider(
    name="main", channel_type="sms", kind="smsc", weight=3, config={"receipts_within_s": WITHIN_MS // 1_000}
)
BEGAN = T0 - T0 % SLOT_MS
"""Of a slot."""
JUDGED = BEGAN + SLOT_MS + WITHIN_MS + GRACE_MS
"""When messages of that slot are judged first."""


def counted(
    *slots: tuple[int, int, int], worker: str = "w", within_ms: int = WITHIN_MS, told_at: int = JUDGED
) -> ReceiptsCounted:
    """`slots`: begin, sent, in time."""
    told = [ReceiptsSlot(begins_at=at, sent=sent, in_time=in_time) for at, sent, in_time in slots]
    return ReceiptsCounted(account=ACCOUNT, worker=worker, within_ms=within_ms, told_at=told_at, slots=told)


def sent(at: int = BEGAN, within_ms: int = WITHIN_MS) -> SendTimed:
    """The provider took a message."""
    return timed(at, at, within_ms, is_new=True, is_in_time=False)


def reported(at: int = BEGAN, told_at: int = BEGAN + SECOND) -> SendTimed:
    """The first report of a message that was sent at that time."""
    return timed(at, told_at, WITHIN_MS, is_new=False, is_in_time=told_at - at <= WITHIN_MS)


def timed(at: int, told_at: int, within_ms: int, *, is_new: bool, is_in_time: bool) -> SendTimed:
    return SendTimed(
        account=ACCOUNT,
        within_ms=within_ms,
        sent_at=at,
        told_at=told_at,
        is_new=is_new,
        is_in_time=is_in_time,
    )
