"""Calls of the outside that one stage of a process makes: who may begin, and how many may be open (rule 14).

A call that hangs holds its place until its provider's time-out; so some places are never lent to bulk, and
no task takes new input while so many calls are open that they would wait too long for theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from streams.engine.api import ToEffect
    from streams.engine.turns import Turns

SHARE = 10
"""One place in ten that are given goes to who is not urgent and waits, so that nothing starves."""
OPEN_PER_PLACE = 2
"""Open calls for each place, so that none waits for longer than about two calls take."""
AHEAD_S = 1.0
"""As many as the places manage within this time may be open, too: they wait no longer than that."""
SHORTEST_S = 0.001
"""Shorter calls count as this long."""
LEARN = 0.05
"""How much the newest call counts for the time that calls take."""


class Calls:
    """So many calls at once, begun one by one; of all places, `kept` are for urgent calls.

    What a call does before its first wait would otherwise come in one piece for all that were just committed.
    """

    def __init__(self, turns: Turns, count: int, kept: int = 0) -> None:
        """Nothing runs yet."""
        self._turns = turns
        self._count = self._free = count
        self._lendable = count - kept
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._given = 0
        self._least_open = OPEN_PER_PLACE * count
        self._least_kept = OPEN_PER_PLACE * kept
        self._open = 0
        self._call_s = AHEAD_S
        self._refused: dict[Callable[[], None], None] = {}

    @classmethod
    def of(cls, route: ToEffect, turns: Turns) -> Self:
        """As the route says; urgent calls have the same share of the places as of a task's open calls."""
        return cls(turns, route.at_once, ceil(route.at_once * route.kept / route.limit))

    # ---- open ----

    def room(self, wake: Callable[[], None], own: int) -> tuple[int, int]:
        """How many more calls a task that has `own` open may open, and how many of them not urgent.

        Of these it has no more than it leaves, so that one that comes later finds some. Who finds none is
        woken when a call ends.
        """
        room = max(self._least_open, int(AHEAD_S / self._call_s * self._count)) - self._open
        others = (room - self._least_kept - own + 1) // 2
        if others <= 0:
            self._refused[wake] = None
        return room, others

    def opened(self, more: int) -> None:
        """So many more are open; or fewer, if negative."""
        self._open += more
        if more < 0:
            refused, self._refused = self._refused, {}
            for wake in refused:
                wake()

    # ---- run ----

    def one(self, *, urgent: bool) -> Place:
        """For `async with`: waits until a call may begin, which ends with the block."""
        return Place(self, urgent=urgent)

    @staticmethod
    def clock() -> float:
        """Seconds, for `ended`."""
        return time.monotonic()

    def ended(self, began: float) -> None:
        """A call ended that began then, and teaches how long calls take.

        Not for an urgent one: those end while all others hang. Nor for one that lapsed, which takes no time.
        """
        self._call_s += LEARN * (max(time.monotonic() - began, SHORTEST_S) - self._call_s)

    async def enter(self, *, urgent: bool) -> None:
        """Wait until a call may begin."""
        await self._take(urgent=urgent)
        try:
            await self._turns.begin(urgent=urgent)
        except BaseException:
            self.leave(urgent=urgent)
            raise

    async def _take(self, *, urgent: bool) -> None:
        if self._free > 0 and (urgent or self._lendable > 0):
            self._lend(urgent=urgent)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._others).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():
                self.leave(urgent=urgent)
            raise

    def _lend(self, *, urgent: bool) -> None:
        self._free -= 1
        self._lendable -= not urgent

    def leave(self, *, urgent: bool) -> None:
        """Leave the place to who comes next."""
        self._free += 1
        self._lendable += not urgent
        of_urgent = _waits(self._urgent)
        of_others = self._lendable > 0 and _waits(self._others)
        if not (of_urgent or of_others):
            return
        self._given += 1
        urgent = of_urgent and not (of_others and self._given % SHARE == 0)
        self._lend(urgent=urgent)
        (self._urgent if urgent else self._others).popleft().set_result(None)


class Place:
    """A call's, from when it may begin until the block ends."""

    __slots__ = ("_calls", "_urgent")

    def __init__(self, calls: Calls, *, urgent: bool) -> None:
        """Not there yet."""
        self._calls = calls
        self._urgent = urgent

    async def __aenter__(self) -> None:
        """Wait."""
        await self._calls.enter(urgent=self._urgent)

    async def __aexit__(self, *_raised: object) -> None:
        """Leave."""
        self._calls.leave(urgent=self._urgent)


def _waits(waiting: deque[asyncio.Future[None]]) -> bool:
    """Whether someone does; those who gave up are dropped."""
    while waiting and waiting[0].done():
        waiting.popleft()
    return bool(waiting)
