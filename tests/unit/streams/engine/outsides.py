"""What calls of the outside reach in these tests, and rows and tasks made for it."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any

from streams.engine import inner
from streams.engine.calls import Calls
from streams.engine.effects import Effects
from streams.engine.intent import Intent
from tests.unit.streams.engine.desks import EFFECT, Call

TRACE = (("traceparent", b"t"),)


def intent(call: Call, cause: bytes = b"") -> Intent:
    """About to be committed."""
    return Intent(call.id, call, TRACE, EFFECT.encode(call), cause)


class Outside:
    """What calls reach. Calls whose body is `hang` end only when they are let go; `refuse` begins none."""

    def __init__(self, limit: int = 500, ttl_s: float = 5.0) -> None:
        self.begun: list[bytes] = []
        self.open: defaultdict[bytes, int] = defaultdict(int)
        self.most_at_once = 0
        self.let_go = asyncio.Event()
        self.woken = asyncio.Event()
        self.route = replace(EFFECT, perform=self.perform, limit=limit, intent_ttl_s=ttl_s)
        self.effects = self.anew()

    def anew(self) -> Effects:
        return Effects(self.route, lambda: 77, self.woken.set)

    async def perform(self, call: Call) -> object:
        self.begun.append(call.id)
        self.open[call.key] += 1
        assert self.open[call.key] == 1, "one in flight per key"
        self.most_at_once = max(self.most_at_once, sum(self.open.values()))
        if call.body == b"hang":
            await self.let_go.wait()
        await asyncio.sleep(0)
        self.open[call.key] -= 1
        if call.body == b"break":
            raise ZeroDivisionError
        if call.body == b"cancel":
            raise asyncio.CancelledError
        return self.route.lapsed(call) if call.body == b"refuse" else ("done", call.id)

    def begin(self, *calls: Call, since: float | None = None) -> None:
        moment = time.monotonic() if since is None else since
        self.effects.begin([intent(call) for call in calls], moment)

    def settle(self, *calls: Call) -> None:
        """The results so far are committed, and with them these calls, which come of the one that lapsed."""
        results = list(self.effects.results)
        lapsed = [inner.effect_of(event) for event in results if event.value[0] == "lapsed"]
        self.effects.handled(results)
        cause = lapsed[0] if lapsed else b""
        self.effects.begin([intent(call, cause) for call in calls], time.monotonic())

    async def results(self, count: int) -> list[object]:
        async with asyncio.timeout(30):
            while len(self.effects.results) < count:
                await asyncio.sleep(0)
        return [event.value for event in self.effects.results]


def opened(*ids: bytes, may_have_begun: bool = True) -> list[tuple[bytes, bool, Any, bytes]]:
    """Rows as they are found at open."""
    return [(one, may_have_begun, TRACE, EFFECT.encode(Call(one))) for one in ids]


def shared_by(calls: Calls, count: int, limit: int = 64, kept: int = 0) -> list[Outside]:
    """Tasks of one process, in which calls named `u` are urgent."""
    tasks = [Outside(limit) for _ in range(count)]
    for one in tasks:
        one.route = replace(one.route, kept=kept, urgent=lambda call: call.id.startswith(b"u"))
        one.effects = Effects(one.route, lambda: 77, one.woken.set, calls)
    return tasks


def many(count: int, body: bytes = b"", name: str = "") -> list[Call]:
    return [Call(b"%s%d" % (name.encode(), n), b"%s%d" % (name.encode(), n), body) for n in range(count)]
