"""Calls that wait until the rate of their provider's account lets them go (NS-CH-OP-03, NS-SND-064).

What may be called is decided elsewhere (`agents/lease.py`), for all processes together; here calls stand in
line, are counted, and go as grants come. A provider without `rate_limit` has no line.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from schemas.rates import LONGEST_PAUSE_MS, account_of, rate_among
from schemas.records import RateDemanded
from schemas.words import Lane, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from connectors.rate_metrics import RateMetrics
    from schemas.records import CallEnded, Provider, ProviderCall, RateGranted

    Perform = Callable[[ProviderCall], Awaitable[CallEnded]]

PAUSE_MS = 1_000
"""After an answer that the limit is reached, where the provider does not say for how long."""


class Line:
    """The calls of one account that wait in this process, in order, those of the high lane first."""

    def __init__(self, account: str, worker: str) -> None:
        """Nobody waits. `has_news`: there is something to report."""
        self.account = account
        self.has_news = False
        self.paused_until = 0
        self._worker = worker
        self._urgent: dict[asyncio.Future[None], None] = {}
        self._others: dict[asyncio.Future[None], None] = {}
        self._number = self._seen = self._back = 0

    @property
    def waiting(self) -> tuple[int, int]:
        """How many wait of the high lane, and how many others."""
        return len(self._urgent), len(self._others)

    def join(self, *, urgent: bool) -> asyncio.Future[None]:
        """Done when the call may be made."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._others)[place] = None
        self.has_news = True
        return place

    def leave(self, place: asyncio.Future[None]) -> None:
        """The call is not made; if it had been let go in the same moment, another takes its place."""
        was_let_go = place.done() and not place.cancelled()
        self._urgent.pop(place, None)
        self._others.pop(place, None)
        self.has_news = True
        if was_let_go:
            self._let_go(1)

    def grant(self, granted: int, now: int) -> tuple[int, int]:
        """So many grants in all came until `now` (ms). How many of the new ones are used, how many not."""
        new = granted - self._seen
        if new <= 0:
            return 0, 0
        self._seen = granted
        self.has_news = True
        if now < self.paused_until:
            self._back += new
            return 0, new
        used = self._let_go(new)
        return used, new - used

    def _let_go(self, most: int) -> int:
        """So many go, or as many as wait; the rest of the grants is handed back."""
        going = [place for place in (*self._urgent, *self._others) if not place.done()][:most]
        for place in going:
            self._urgent.pop(place, None)
            self._others.pop(place, None)
            place.set_result(None)
        self._back += most - len(going)
        return len(going)

    def report(self) -> RateDemanded:
        """What the account's keeper is to know now."""
        self._number += 1
        self.has_news = False
        high, others = self.waiting
        return RateDemanded(
            account=self.account,
            worker=self._worker,
            number=self._number,
            high=high,
            others=others,
            seen=self._seen,
            back=self._back,
            paused_until=self.paused_until,
        )


class RateGate:
    """The lines of one process. `providers`: channel → the active ones; `worker`: one life of it, by name."""

    def __init__(
        self,
        providers: Callable[[str], Iterable[Provider]],
        worker: str,
        metrics: RateMetrics,
        now_ms: Callable[[], int],
    ) -> None:
        self._providers = providers
        self._worker = worker
        self._metrics = metrics
        self._now_ms = now_ms
        self._lines: dict[str, Line] = {}
        self.news = asyncio.Event()

    def passing(self, call: ProviderCall) -> Awaitable[None] | None:
        """A wait, or None where the provider has no limit."""
        if rate_among(self._providers(call.task.channel), call.provider) is None:
            return None
        account = account_of(call.task.channel, call.provider)
        return self._pass(self._line(account), urgent=call.task.lane == Lane.HIGH)

    def heeding(self, perform: Perform) -> Perform:
        """`perform`, after which a limited answer holds back the calls of its account."""

        async def performed(call: ProviderCall) -> CallEnded:
            ended = await perform(call)
            if ended.verdict == Verdict.LIMITED and ended.reason != Reason.RECIPIENT_LIMITED:
                self._limited(ended)
            return ended

        return performed

    def granted(self, grant: RateGranted) -> None:
        """Heard by every process; most are for others."""
        line = self._lines.get(grant.account)
        if line is None or grant.worker != self._worker:
            return
        self._metrics.granted(grant.account, *line.grant(grant.granted, self._now_ms()))
        self._told(line)

    def reports(self, *, is_beat: bool) -> list[RateDemanded]:
        """What is new; at a beat also where calls wait, so that nobody takes us for dead."""
        self.news.clear()
        told = (line for line in self._lines.values() if line.has_news or (is_beat and any(line.waiting)))
        return [line.report() for line in told]

    def unheard(self, reports: Iterable[RateDemanded]) -> None:
        """These did not arrive: they are made anew."""
        for report in reports:
            self._told(self._lines[report.account])

    async def _pass(self, line: Line, *, urgent: bool) -> None:
        place = line.join(urgent=urgent)
        self._told(line)
        try:
            await place
        except asyncio.CancelledError:
            line.leave(place)
            self._told(line)
            raise

    def _line(self, account: str) -> Line:
        return self._lines.setdefault(account, Line(account, self._worker))

    def _limited(self, ended: CallEnded) -> None:
        channel, provider = ended.call.task.channel, ended.call.provider
        if rate_among(self._providers(channel), provider) is None:
            return
        line = self._line(account_of(channel, provider))
        until = self._now_ms() + min(ended.retry_after_ms or PAUSE_MS, LONGEST_PAUSE_MS)
        if until > line.paused_until:
            line.paused_until = until
            self._told(line)

    def _told(self, line: Line) -> None:
        line.has_news = True
        self._metrics.waiting(line.account, *line.waiting)
        self.news.set()
