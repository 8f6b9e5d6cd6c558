"""Keeps `carillon up` going: a worker or an HTTP server that ended starts again, as under any supervisor.

A server of others' making (Kafka, Postgres, the fake provider) is not started again: the person is told.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Never, TypeVar

T = TypeVar("T")
Say = Callable[[str], None]
Ended = Callable[[], Coroutine[Any, Any, int]]

FIRST_PAUSE_S = 1.0
LAST_PAUSE_S = 30.0
GOOD_LIFE_S = 60.0
"""Who lived so long may end again without a longer pause."""
_BY_SIGNAL = 128


def pause_s(deaths: int) -> float:
    """Seconds before the next start, after so many ends in a row."""
    return min(FIRST_PAUSE_S * 2.0 ** (deaths - 1), LAST_PAUSE_S)


def how(code: int) -> str:
    """How a guarded process ended, in words: its guard gives 128 + signal, or was killed itself (-signal)."""
    number = -code if code < 0 else code - _BY_SIGNAL
    known = {each.value: each.name for each in signal.Signals}
    return f"ended by {known[number]}" if number in known else f"ended with code {code}"


async def first_of(*ways: Coroutine[Any, Any, T]) -> T:
    """Run all, wait for the first to end, stop the others; its result or its exception."""
    waiting = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return next(iter(done)).result()


async def tell_end(name: str, ended: Ended) -> str:
    """Wait until a server ends; the sentence for the person."""
    code = await ended()
    return f"{name} {how(code)}. Everything stops; `carillon up` goes on where it stood."


async def keep(name: str, ended: Ended, start: Callable[[], None], say: Say) -> Never:
    """Start `name` again whenever it ends, until cancelled."""
    loop, deaths = asyncio.get_running_loop(), 0
    while True:
        began = loop.time()
        code = await ended()
        deaths = 1 if loop.time() - began > GOOD_LIFE_S else deaths + 1
        say(f"{name} {how(code)}; starts again in {pause_s(deaths):.0f} s")
        await asyncio.sleep(pause_s(deaths))
        start()
