"""Calls of the outside, begun only after the transaction that recorded them has committed (design rule 14)."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

import structlog

from streams.engine.api import Event
from streams.engine.inner import EFFECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.engine.api import Headers, ToEffect

log = structlog.get_logger("engine.effects")


class Waiting:
    """An effect whose intent is committed and whose call has not begun."""

    __slots__ = ("begun", "call", "committed_at", "effect_id", "headers", "key")

    def __init__(
        self, effect_id: bytes, key: bytes, call: Any, headers: Headers, committed_at: float
    ) -> None:  # noqa: ANN401
        """`committed_at`: monotonic seconds, which go on while the process is stopped."""
        self.effect_id = effect_id
        self.key = key
        self.call = call
        self.headers = headers
        self.committed_at = committed_at
        self.begun = False


class Effects:
    """Runs the calls of one task: at most `limit` at once, one in flight per key."""

    def __init__(self, route: ToEffect, now_ms: Callable[[], int], wake: Callable[[], None]) -> None:
        """`wake` is called whenever a result is there for the task."""
        self._route = route
        self._now_ms = now_ms
        self._wake = wake
        self._queues: defaultdict[bytes, deque[Waiting]] = defaultdict(deque)
        self._ready: deque[Waiting] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._closing = False
        self.load = 0
        self.results: deque[Event] = deque()

    @property
    def saturated(self) -> bool:
        """As many calls as allowed are open: the task takes no new input."""
        return self.room <= 0

    @property
    def room(self) -> int:
        """How many more calls may be opened; results that wait for their turn count as open."""
        return self._route.limit - self.load - len(self.results)

    def recover(self, effect_id: bytes, payload: bytes, headers: Headers, *, may_have_begun: bool) -> None:
        """An effect found at open: begun by nobody we can ask, so `hidden`; or surely not begun, so begin it."""
        call = self._route.decode(payload)
        if may_have_begun:
            self._finish(effect_id, self._route.hidden(call), headers)
        else:
            self.begin([(effect_id, call, headers)])

    def begin(self, effects: list[tuple[bytes, Any, Headers]]) -> None:
        """Take over effects whose intents have just been committed."""
        moment = asyncio.get_running_loop().time()
        for effect_id, call, headers in effects:
            waiting = Waiting(effect_id, self._route.key(call), call, headers, moment)
            self.load += 1
            queue = self._queues[waiting.key]
            queue.append(waiting)
            if len(queue) == 1:
                self._ready.append(waiting)
        self._start_ready()

    def _start_ready(self) -> None:
        while self._ready and len(self._running) < self._route.limit and not self._closing:
            waiting = self._ready.popleft()
            waiting.begun = True
            task = asyncio.create_task(self._run(waiting))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, waiting: Waiting) -> None:
        loop = asyncio.get_running_loop()
        try:
            if loop.time() - waiting.committed_at > self._route.intent_ttl_s:
                value = self._route.lapsed(waiting.call)
            else:
                value = await self._route.perform(waiting.call)
        except asyncio.CancelledError:
            return
        except Exception:
            log.exception("effect_failed_unexpectedly")
            value = self._route.hidden(waiting.call)
        self._finish(waiting.effect_id, value, waiting.headers)
        queue = self._queues[waiting.key]
        queue.popleft()
        if queue:
            self._ready.append(queue[0])
        else:
            del self._queues[waiting.key]
        self.load -= 1
        self._running.discard(asyncio.current_task())  # type: ignore[arg-type]
        self._start_ready()

    def _finish(self, effect_id: bytes, value: Any, headers: Headers) -> None:  # noqa: ANN401
        self.results.append(Event(value, EFFECT + effect_id, self._now_ms(), headers, "", -1, -1))
        self._wake()

    def handled(self, events: list[Event]) -> None:
        """Results among these events are committed."""
        done = {id(event) for event in events if not event.topic}
        while self.results and id(self.results[0]) in done:
            self.results.popleft()

    def never_begun(self) -> list[Waiting]:
        """Effects whose calls surely never began."""
        return [waiting for queue in self._queues.values() for waiting in queue if not waiting.begun]

    async def close(self, deadline_s: float) -> None:
        """Begin nothing more, wait for what runs, cancel the rest."""
        self._closing = True
        running = set(self._running)
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=deadline_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
