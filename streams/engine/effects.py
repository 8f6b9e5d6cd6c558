"""Calls of the outside, begun only after the transaction that recorded them has committed (design rule 14).

A call and its result outlive a failed turn of their task: what the outside was told is never unsaid.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import structlog

from streams.engine.api import Event, Unreadable
from streams.engine.calls import Calls
from streams.engine.inner import EFFECT
from streams.engine.intent import Intent, Waiting, readable
from streams.engine.performing import Performing
from streams.engine.queues import Queues
from streams.engine.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from streams.engine.api import Headers, ToEffect

log = structlog.get_logger("engine.effects")


class Effects:
    """Runs the calls of one task: at most `limit` open, one in flight per key."""

    def __init__(
        self,
        route: ToEffect,
        now_ms: Callable[[], int],
        wake: Callable[[], None],
        calls: Calls | None = None,
    ) -> None:
        """`wake` is called at the first result, when there are many or most, and at the last one.

        `calls`: of all tasks of the process.
        """
        self._route = route
        self._now_ms = now_ms
        self._wake = wake
        self._calls = calls or Calls.of(route, Turns())
        self._performing = Performing(route, self._calls)
        self._queues = Queues()
        self._running: dict[asyncio.Task[None], Waiting] = {}
        self._closing = False
        self._intended: dict[bytes, int] = {}
        self._lapsed: dict[bytes, Waiting] = {}
        self._settled: dict[bytes, Waiting] = {}
        self._told = 0
        self._fair, self._most = (route.limit - route.kept) // 2, max(1, (route.limit - route.kept) * 3 // 4)
        self._hurried: set[bytes] = set()
        self._urgent = 0
        self.load = 0
        self.results: deque[Event] = deque()

    def places(self, settled: int = 0) -> tuple[int, int]:
        """How many more calls may be opened, and how many of those are for urgent records only.

        Results that wait for their turn count as open, but for so many that are `settled` in the same batch.
        Each may lead to another call, so no more than twice as many as usual are ever open.
        """
        own = self._route.limit - self.load - len(self.results) + min(settled, self._route.limit)
        room, others = self._calls.room(self._wake, self._told)
        free = min(max(own, self._route.kept - self._urgent), room)
        return free, free - min(own - self._route.kept, others)

    def enough(self, waiting: int) -> bool | None:
        """Whether results are so many that a turn need not rest, or so few (False) that others should join.

        None: neither, or all records that wait, so many, have room, or an urgent call has its result.
        """
        if len(self.results) >= self._most:
            return True
        room, kept = self.places(len(self.results))
        if not (self._running and self.results) or self._hurried or 0 < waiting <= room - kept:
            return None
        return None if max(len(self.results), min(room - kept, waiting)) >= self._fair else False

    def intend(self, effects: Iterable[Intent]) -> None:
        """These are about to be committed: should that stay unknown, they were surely not begun."""
        self._intended = {intent.effect_id: place for place, intent in enumerate(effects)}
        self._tell()

    def begin(self, effects: Iterable[Intent], since: float, noticed: Collection[bytes] = ()) -> None:
        """Take over effects whose intents are committed; `since`: monotonic s *before* that commit was tried.

        A process stopped inside its commit wakes as a zombie that has just learned of its success. What came
        of a lapsed call takes its place before all others of its key, whatever came between. `noticed`: keys
        of notices in the same commit.
        """
        self._intended = {}
        key, urgent = self._route.key, self._route.urgent
        for intent in effects:
            waiting = Waiting(intent, key(intent.call), since, urgent=urgent(intent.call))
            self.load += 1
            self._urgent += waiting.urgent
            if (left := self._settled.get(intent.cause)) and left.key == waiting.key:
                del self._settled[intent.cause]
                self._queues.replace(waiting)
            else:
                self._queues.join(waiting)
        for left in self._settled.values():
            self._queues.leave(left)
        self._settled.clear()
        self.doubt(noticed)
        self._start_ready()

    def doubt(self, subjects: Collection[bytes]) -> None:
        """Notices of these keys are committed: what they may forbid and has not begun lapses."""
        subject = self._route.subject
        if subject is None or not subjects:
            return
        for waiting in self._queues:
            waiting.doubted = waiting.doubted or subject(waiting.call) in subjects

    # ---- open ----

    def find(self, found: list[tuple[bytes, bool, Headers, bytes]]) -> None:
        """Of these, those surely not begun stay so even if the commit that notes them as begun is unknown.

        `NotYet`, with nothing changed, while the schema of a call is unknown.
        """
        for effect_id, may_have_begun, _, payload in found:
            readable(self._route.decode, payload)
            if not may_have_begun:
                self._intended.setdefault(effect_id, len(self._intended))

    def open(self, found: list[tuple[bytes, bool, Headers, bytes]], since: float) -> None:
        """The task is open with these effects recorded: id, may have begun, headers, payload.

        Calls in hand here go on; those recorded no more are dropped. What a predecessor surely did not begin,
        or was recorded here by a commit of unknown outcome, nobody has begun: begin it. The rest: `hidden`.
        """
        intended, self._intended = self._intended, {}
        known = self._keep({effect_id for effect_id, *_ in found})
        in_order = sorted(found, key=lambda one: intended.get(one[0], -1))
        for effect_id, may_have_begun, headers, payload in in_order:
            if effect_id not in known:
                not_begun = not may_have_begun or effect_id in intended
                self._recover(effect_id, payload, headers, since if not_begun else None)

    def _keep(self, ids: set[bytes]) -> set[bytes]:
        self.results = deque(event for event in self.results if event.key[len(EFFECT) :] in ids)
        known = {event.key[len(EFFECT) :] for event in self.results}
        self._hurried &= known
        for waiting in self._queues:
            waiting.dropped = waiting.effect_id not in ids
            waiting.doubted = self._route.subject is not None  # a notice may have been committed unheard
            known.add(waiting.effect_id)
        for gone in [effect_id for effect_id in self._lapsed if effect_id not in ids]:
            self._queues.leave(self._lapsed.pop(gone))
        self._start_ready()
        return known

    def _recover(self, effect_id: bytes, payload: bytes, headers: Headers, since: float | None) -> None:
        call = readable(self._route.decode, payload)
        if type(call) is Unreadable:
            log.error("effect_unreadable", effect=repr(effect_id), reason=call.reason)
            self._finish(effect_id, call, headers, payload)
        elif since is None:
            self._finish(effect_id, self._route.hidden(call), headers, payload)
        else:
            self.begin([Intent(effect_id, call, headers, payload)], since)

    # ---- run ----

    def _start_ready(self) -> None:
        while self._queues.ready and len(self._running) < 2 * self._route.limit and not self._closing:
            waiting = self._queues.ready.popleft()
            task = asyncio.create_task(self._run(waiting))
            self._running[task] = waiting
            task.add_done_callback(self._ran)
        self._tell()

    def _ran(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._tell()

    def _tell(self) -> None:
        """How many calls want a place; one that waits for another of its key does not."""
        wanted = len(self._running)
        if not self._closing:
            wanted += len(self._queues.ready) + len(self._intended)
        more, self._told = wanted - self._told, wanted
        self._calls.opened(more)

    async def _run(self, waiting: Waiting) -> None:
        try:
            async with self._calls.one(urgent=waiting.urgent):
                value = await self._performing.result(waiting)
        except asyncio.CancelledError:
            if self._closing:
                return
            value = self._route.hidden(waiting.call)
        if not waiting.dropped:
            if waiting.urgent:
                self._hurried.add(waiting.effect_id)
            self._finish(waiting.effect_id, value, waiting.headers, waiting.payload)
        if waiting.lapsed and not waiting.dropped:
            self._lapsed[waiting.effect_id] = waiting
        else:
            self._queues.leave(waiting)
        self.load -= 1
        self._urgent -= waiting.urgent
        self._running.pop(cast("asyncio.Task[None]", asyncio.current_task()), None)
        self._start_ready()
        if not self._running:
            self._wake()

    def _finish(self, effect_id: bytes, value: Any, headers: Headers, payload: bytes) -> None:
        self.results.append(Event(value, EFFECT + effect_id, self._now_ms(), headers, "", -1, -1, payload))
        if self._hurried or len(self.results) in {1, self._fair, self._most}:
            self._wake()

    def handled(self, events: list[Event]) -> None:
        """Results among these events are committed; `begin` follows with what came of them."""
        done = {id(event) for event in events if not event.topic}
        while self.results and id(self.results[0]) in done:
            effect_id = self.results.popleft().key[len(EFFECT) :]
            self._hurried.discard(effect_id)
            if effect_id in self._lapsed:
                self._settled[effect_id] = self._lapsed.pop(effect_id)

    # ---- close ----

    def never_begun(self) -> list[tuple[bytes, Headers, bytes]]:
        """Effects whose calls surely never began: id, headers, payload."""
        left = [one for one in self._queues if not one.begun and not one.dropped]
        return [(one.effect_id, one.headers, one.payload) for one in left]

    async def close(self, deadline_s: float) -> None:
        """Begin nothing more, wait for what runs, cancel the rest."""
        self._closing = True
        self._tell()
        for task, waiting in self._running.items():
            if not waiting.begun:
                task.cancel()
        late = set(self._running)
        if late:
            _, late = await asyncio.wait(late, timeout=deadline_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
