"""Calls that wait at a gate after they were given their place (design rule 14)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streams.engine import calls as calls_module
from streams.engine import performing as performing_module
from streams.engine.calls import Calls
from streams.engine.effects import Effects
from streams.engine.turns import Turns
from tests.unit.streams.engine.desks import Call
from tests.unit.streams.engine.lives import turns
from tests.unit.streams.engine.outsides import TRACE, Outside, many

if TYPE_CHECKING:
    from collections.abc import Awaitable


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


class Gate:
    """Stops calls of the body `limited`, each until it is let through."""

    def __init__(self) -> None:
        self.waiting: dict[bytes, asyncio.Event] = {}
        self.left: list[bytes] = []

    def __call__(self, call: Call) -> Awaitable[None] | None:
        return self._wait(call.id) if call.body == b"limited" else None

    async def _wait(self, call_id: bytes) -> None:
        try:
            await self.waiting.setdefault(call_id, asyncio.Event()).wait()
        finally:
            self.left.append(call_id)


def gated(ttl_s: float = 5.0, calls: Calls | None = None) -> tuple[Outside, Gate]:
    outside, gate = Outside(ttl_s=ttl_s), Gate()
    outside.route = replace(outside.route, gate=gate, urgent=lambda call: call.id.startswith(b"u"))
    outside.effects = Effects(outside.route, lambda: 77, outside.woken.set, calls)
    return outside, gate


async def test_a_call_begins_when_its_gate_opens_and_others_do_not_wait_for_it() -> None:
    outside, gate = gated()
    outside.begin(Call(b"1", b"1", b"limited"), Call(b"2", b"2"))
    assert [("done", b"2")] == await outside.results(1)
    assert [b"2"] == outside.begun
    gate.waiting[b"1"].set()
    assert [("done", b"2"), ("done", b"1")] == await outside.results(2)


async def test_a_call_whose_gate_stays_shut_lapses_and_leaves_the_gate() -> None:
    """Mutation tried: no end to the wait: hangs, fails."""
    outside, gate = gated(ttl_s=0.01)
    outside.begin(Call(b"1", b"1", b"limited"))
    assert [("lapsed", b"1")] == await outside.results(1)
    assert ([], [b"1"]) == (outside.begun, gate.left)


async def test_a_process_that_was_stopped_at_the_gate_makes_no_call_when_it_opens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have a successor. Mutation tried: no look at the clock after the gate: fails."""
    clock = Clock()
    monkeypatch.setattr(performing_module, "time", clock)
    outside, gate = gated()
    outside.begin(Call(b"1", b"1", b"limited"), since=0.0)
    await turns(10)
    clock.now = 6.0
    gate.waiting[b"1"].set()
    assert [("lapsed", b"1")] == await outside.results(1)


async def test_a_call_that_waits_at_the_gate_at_a_close_never_began() -> None:
    """Mutation tried: `begun` with the place: fails, its answer would count as hidden."""
    outside, gate = gated()
    outside.begin(Call(b"1", b"1", b"limited"))
    await turns(10)
    await outside.effects.close(30)
    assert [(b"1", TRACE, b"1/1/limited")] == outside.effects.never_begun()
    assert [b"1"] == gate.left


async def test_calls_that_wait_at_a_gate_leave_places_to_urgent_ones() -> None:
    """Mutation tried: none kept: hangs, fails."""
    outside, gate = gated(calls=Calls(Turns(), 4, kept=1))
    outside.begin(*many(8, b"limited"))
    await turns(40)
    assert 3 == len(gate.waiting), "of four places one is for urgent calls"
    outside.begin(*many(3, name="u"))
    assert [("done", b"u0"), ("done", b"u1"), ("done", b"u2")] == await outside.results(3)
    await outside.effects.close(0)


async def test_a_call_behind_those_at_a_shut_gate_has_its_place_before_it_lapses() -> None:
    """All were committed at once, and come back in the same order. Found by reading: it had none for minutes.

    Mutation tried: a wait at the gate as long as the intent holds: fails, the last one lapses as well.
    """
    outside, gate = gated(ttl_s=2.0, calls=Calls(Turns(), 2))
    outside.begin(*many(2, b"limited"), Call(b"free", b"free"))
    assert {("lapsed", b"0"), ("lapsed", b"1"), ("done", b"free")} == set(await outside.results(3))
    assert [b"0", b"1"] == gate.left


async def test_the_wait_at_a_gate_counts_as_time_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """So fewer calls may be open of a provider that is slow by its rate. Mutation tried: not: fails."""
    clock = Clock()
    monkeypatch.setattr(calls_module, "time", clock)
    calls = Calls(Turns(), 2)
    outside, gate = gated(calls=calls)
    outside.begin(*many(200))
    await outside.results(200)
    assert calls.room(outside.woken.set, 0)[0] > 1_000
    outside.begin(Call(b"1", b"1", b"limited"), Call(b"2", b"2", b"limited"), since=time.monotonic())
    await turns(40)
    clock.now = 4.0
    for opened in gate.waiting.values():
        opened.set()
    await outside.results(202)
    assert 5 == calls.room(outside.woken.set, 0)[0]
