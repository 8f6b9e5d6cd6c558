"""How soon providers report, as one process counts it and as all of them told it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.providers.punctuality import SLOT_MS, Punctuality, judged, oldest
from schemas.punctuality import ReceiptsCounted, ReceiptsSlot, within_ms
from schemas.rates import account_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.receipt_metrics import PunctualityMetrics
    from schemas.punctuality import SendTimed
    from schemas.records import Provider

TELL_MS = 10_000
"""How often counts are told, whole: a worker that begins knows as soon what the others know."""
JUDGE_MS = 1_000
"""So long a verdict stands: it is asked for with each message."""


class ReceiptTimes:
    """What one process counts, and what it knows of all. `worker`: one life of it, by name."""

    def __init__(self, worker: str, metrics: PunctualityMetrics, now_ms: Callable[[], int]) -> None:
        self._worker = worker
        self._metrics = metrics
        self._now_ms = now_ms
        self._own: dict[str, _Counts] = {}
        self._told: dict[str, dict[str, ReceiptsCounted]] = {}  # account → worker → its newest
        self._verdicts: dict[tuple[str, int], tuple[int, Punctuality]] = {}
        self._telling_at = 0

    def count(self, timed: SendTimed) -> None:
        """It was sent or reported, and that is committed."""
        own = self._own.get(timed.account)
        if own is None or own.within_ms != timed.within_ms:
            own = self._own[timed.account] = _Counts(timed.within_ms)
        own.count(timed)

    def reports(self) -> list[ReceiptsCounted]:
        """All that still counts of this process, whenever it is time."""
        now = self._now_ms()
        if now < self._telling_at <= now + TELL_MS:
            return []
        self._telling_at = now + TELL_MS
        told = (own.report(account, self._worker, now) for account, own in self._own.items())
        return [each for each in told if each.slots]

    def unheard(self, _reports: object) -> None:
        """These did not arrive: they are made anew."""
        self._telling_at = 0

    def heard(self, report: ReceiptsCounted) -> None:
        """What a worker counted, this one too."""
        self._told.setdefault(report.account, {})[report.worker] = report

    def share(self, provider: Provider, now: int) -> float:
        """How much of its weight it has; whole where it is not judged."""
        limit_ms = within_ms(provider)
        if limit_ms is None:
            return 1.0
        key = (account_of(provider.channel_type, provider.name), limit_ms)
        known = self._verdicts.get(key)
        if known is None:
            self._metrics.known(key[0], lambda: self._judged(key, self._now_ms()))
        elif now < known[0] <= now + JUDGE_MS:
            return known[1].share
        found = self._judged(key, now)
        self._verdicts[key] = (now + JUDGE_MS, found)
        return found.share

    def _judged(self, key: tuple[str, int], now: int) -> Punctuality:
        """Lives of workers of which nothing counts any more are forgotten."""
        account, limit_ms = key
        told, since = self._told.get(account, {}), oldest(limit_ms, now)
        reports = list(told.values())  # the page of metrics is made in another thread
        for each in reports:
            if each.told_at < since:
                told.pop(each.worker, None)
        return judged(reports, limit_ms, now)


class _Counts:
    """Of one account in this process, since its time was set."""

    def __init__(self, within_ms: int) -> None:
        self.within_ms = within_ms
        self._told_at = 0
        self._slots: dict[int, list[int]] = {}  # begin → sent, in time

    def count(self, timed: SendTimed) -> None:
        slot = self._slots.setdefault(timed.sent_at - timed.sent_at % SLOT_MS, [0, 0])
        slot[0] += timed.is_new
        slot[1] += timed.is_in_time
        self._told_at = max(self._told_at, timed.told_at)

    def report(self, account: str, worker: str, now: int) -> ReceiptsCounted:
        since = oldest(self.within_ms, now)
        self._slots = {at: slot for at, slot in self._slots.items() if at >= since}
        slots = [ReceiptsSlot(begins_at=at, sent=n, in_time=k) for at, (n, k) in sorted(self._slots.items())]
        return ReceiptsCounted(
            account=account,
            worker=worker,
            within_ms=self.within_ms,
            told_at=self._told_at,
            slots=slots,
        )
