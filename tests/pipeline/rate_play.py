"""Lines of several processes and the account they share, played in virtual time: no broker, no waiting."""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from connectors.rates import Line
from tables.rates import Budget

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from schemas.rates import Rate
    from schemas.records import RateDemanded

REST_MS, BEAT_MS = 50, 1_000
"""Of reports, as in `streams/leases.py`."""
WAY_MS = (5, 60)
"""What a record takes from one process to the next."""
TRANSACTION_MS = (20, 80)
LAPSE_MS = 5_000
PLACES = 36
"""Calls of one process that wait at once and are not urgent."""


@dataclass
class Process:
    """One worker. `joined`: when each of its waiting calls came."""

    line: Line
    joined: dict[asyncio.Future[None], tuple[int, bool]] = field(default_factory=dict)
    is_telling: bool = False
    told_at: int = -REST_MS


class Play:
    """`calls`: when each was made; `high_ms`: how long those of the high lane waited."""

    def __init__(self, rate: Rate, processes: int, random: Random) -> None:
        self.now = 0
        self.calls: list[int] = []
        self.high_ms: list[int] = []
        self.processes = [Process(Line("sms/a", str(number))) for number in range(processes)]
        self._rate = rate
        self._random = random
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self._budget = Budget()
        self._inbox: list[RateDemanded] = []
        self._is_busy = False
        for process in self.processes:
            self._beat(process)

    def run(self, until: int) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, step = heapq.heappop(self._events)
            step()

    def after(self, wait_ms: int, step: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + wait_ms, next(self._numbers), step))

    def join(self, process: Process, *, urgent: bool) -> None:
        place = process.line.join(urgent=urgent)
        process.joined[place] = (self.now, urgent)
        self.after(LAPSE_MS, lambda: self._lapse(process, place))
        self._tell(process)

    def fill(self, process: Process) -> None:
        """Bulk never ends."""
        while process.line.waiting[1] < PLACES:
            self.join(process, urgent=False)

    # ---- a process ----

    def _lapse(self, process: Process, place: asyncio.Future[None]) -> None:
        """It comes back, and has waited from its beginning."""
        if place not in process.joined:
            return
        began, urgent = process.joined.pop(place)
        process.line.leave(place)
        self.join(process, urgent=urgent)
        newest = list(process.joined)[-1]
        process.joined[newest] = (began, urgent)

    def _tell(self, process: Process) -> None:
        if not process.is_telling:
            process.is_telling = True
            rest_ms = max(process.told_at + REST_MS - self.now, 0)
            self.after(rest_ms, lambda: self._report(process))

    def _report(self, process: Process) -> None:
        process.is_telling, process.told_at = False, self.now
        report = process.line.report()
        self.after(self._random.randint(*WAY_MS), lambda: self._arrive(report))

    def _beat(self, process: Process) -> None:
        self._tell(process)
        self.after(BEAT_MS, lambda: self._beat(process))

    def _grant(self, process: Process, total: int) -> None:
        process.line.grant(total, self.now)
        for place in [place for place in process.joined if place.done()]:
            began, urgent = process.joined.pop(place)
            self.calls.append(self.now)
            if urgent:
                self.high_ms.append(self.now - began)
        self.fill(process)
        self._tell(process)

    # ---- the stage ----

    def _arrive(self, report: RateDemanded) -> None:
        self._inbox.append(report)
        self._share()

    def _share(self) -> None:
        """One transaction at a time; its grants are there when it has committed."""
        if self._is_busy:
            return
        reports, self._inbox = self._inbox, []
        for report in reports:
            self._budget = self._budget.heard(report, self._rate, self.now)
        self._budget, totals, due_at = self._budget.shared(self._rate, self.now)
        self._is_busy = True
        commit_ms = self._random.randint(*TRANSACTION_MS)
        self.after(commit_ms, self._committed)
        if due_at is not None:
            self.after(max(due_at - self.now, commit_ms + 1), self._share)
        for worker, total in totals.items():
            way_ms = commit_ms + self._random.randint(*WAY_MS)
            self.after(way_ms, lambda w=worker, n=total: self._grant(self.processes[int(w)], n))  # type: ignore[misc]

    def _committed(self) -> None:
        self._is_busy = False
        if self._inbox:
            self._share()
