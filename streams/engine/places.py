"""Places that are few, and who gets the next one: the urgent before the others, and none starves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Urgent = Callable[[], bool]
    Waiting = tuple[Urgent, asyncio.Future[None]]

SHARE = 10
"""One place in ten is kept for what is less urgent and waits, so that nothing starves."""


class Places:
    """At most `count` at once. Those who wait get a place as they came, the urgent before the others."""

    def __init__(self, count: int) -> None:
        """All are free."""
        self._free = count
        self._given = 0
        self._waiting: list[Waiting] = []

    def take_free(self) -> bool:
        """Take a place if one is free."""
        if self._free == 0:
            return False
        self._free -= 1
        return True

    def asked(self, urgent: Urgent) -> asyncio.Future[None]:
        """A place for who cannot wait itself."""
        waiting = self.line_up(urgent)
        if self.take_free():
            self._waiting.remove(waiting)
            waiting[1].set_result(None)
        return waiting[1]

    async def take(self, urgent: Urgent) -> None:
        """Wait for a place. `urgent` is asked whenever one is given: who waits may become urgent."""
        if not self.take_free():
            await self.given(self.line_up(urgent))

    def line_up(self, urgent: Urgent) -> Waiting:
        """Come last of those who wait."""
        waiting = (urgent, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        return waiting

    async def given(self, waiting: Waiting) -> None:
        """Wait for the place lined up for; the loop turns even if it is given already."""
        try:
            await asyncio.sleep(0)
            await waiting[1]
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:
                self.give_back()
            raise

    def give_back(self) -> None:
        """Leave the place to who comes next."""
        waiting = [each for each in self._waiting if not each[1].cancelled()]
        if not waiting:
            self._free += 1
            return
        self._given += 1
        wanted = self._given % SHARE != 0
        chosen = next((each for each in waiting if each[0]() is wanted), waiting[0])
        self._waiting.remove(chosen)
        chosen[1].set_result(None)

    def wanted(self) -> bool:
        """Whether something urgent waits."""
        return any(urgent() for urgent, _ in self._waiting)
