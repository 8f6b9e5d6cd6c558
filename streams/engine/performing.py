"""One call whose place is there: it passes its gate and is made, or it lapses (design rule 14)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from streams.engine.api import ToEffect
    from streams.engine.calls import Calls
    from streams.engine.intent import Waiting

log = structlog.get_logger("engine.effects")
GATE_SHARE = 4
"""One part in so many of an intent's time is the longest that a call waits at its gate. Some two are open for
each place (calls.py), so who stands behind those at a shut gate has a place before it lapses itself."""


class Performing:
    """Makes calls of one task, unless too much time has passed for their intents to be still ours alone."""

    def __init__(self, route: ToEffect, calls: Calls) -> None:
        """`calls`: of all tasks of the process."""
        self._route = route
        self._calls = calls

    async def result(self, waiting: Waiting) -> Any:
        """What came of it. The wait at the gate is a part of the time that a call takes.

        A worker that was stopped while a call waited there may have a successor, so that is asked last. What
        is held back where it would be made, by a breaker, lapses as well, and keeps its place.
        """
        if self._left_s(waiting) < 0:
            return self._lapse(waiting)
        began, teaches = self._calls.clock(), not waiting.urgent
        try:
            if not await self._let_through(waiting):
                return self._lapse(waiting)
            waiting.begun = True
            value = await self._route.perform(waiting.call)
            if value == self._route.lapsed(waiting.call):
                teaches, waiting.begun, waiting.lapsed = False, False, True
        except Exception:
            log.exception("effect_failed_unexpectedly")
            return self._route.hidden(waiting.call)
        finally:
            if teaches:
                self._calls.ended(began)
        return value

    async def _let_through(self, waiting: Waiting) -> bool:
        passing = None if self._route.gate is None else self._route.gate(waiting.call)
        if passing is None:
            return True
        try:
            async with asyncio.timeout(min(self._left_s(waiting), self._route.intent_ttl_s / GATE_SHARE)):
                await passing
        except TimeoutError:
            return False
        return self._left_s(waiting) >= 0

    def _left_s(self, waiting: Waiting) -> float:
        """For how long it may still begin; less than nothing: not any more."""
        if waiting.dropped or waiting.doubted:
            return -1.0
        return waiting.since + self._route.intent_ttl_s - time.monotonic()

    def _lapse(self, waiting: Waiting) -> Any:
        waiting.lapsed = True
        return self._route.lapsed(waiting.call)
