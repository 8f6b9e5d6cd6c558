"""Keeping `carillon up` going: pauses, words, and what ends when."""

from __future__ import annotations

import asyncio
import signal
from collections import deque

import pytest

from streams import keeping
from streams.keeping import first_of, how, keep, pause_s, tell_end


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == [pause_s(deaths) for deaths in range(1, 8)]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with code 0"),
        (2, "ended with code 2"),
        (128 + signal.SIGKILL, "ended by SIGKILL"),
        (-signal.SIGKILL, "ended by SIGKILL"),
        (255, "ended with code 255"),
    ],
)
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert words == how(code)


async def test_who_ends_starts_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "FIRST_PAUSE_S", 0.0)
    codes, said, starts = deque([137, 1]), list[str](), list[str]()

    async def ended() -> int:
        if not codes:
            await asyncio.Event().wait()
        return codes.popleft()

    async def started_twice() -> None:
        while len(starts) < 2:
            await asyncio.sleep(0)

    await first_of(keep("worker", ended, lambda: starts.append("worker"), said.append), started_twice())
    assert ["worker", "worker"] == starts
    assert [
        "worker ended by SIGKILL; starts again in 0 s",
        "worker ended with code 1; starts again in 0 s",
    ] == said


async def test_the_first_to_end_stops_the_others() -> None:
    stopped: list[str] = []

    async def endless() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("endless")
        return "never"

    async def ended() -> int:
        return 137

    told = await first_of(endless(), tell_end("Kafka", ended))
    assert "Kafka ended by SIGKILL. Everything stops; `carillon up` goes on where it stood." == told
    assert ["endless"] == stopped


async def test_an_exception_of_the_first_is_the_outcome() -> None:
    async def broken() -> int:
        raise LookupError("no such thing")

    async def endless() -> int:
        await asyncio.Event().wait()
        return 0

    with pytest.raises(LookupError, match="no such thing"):
        await first_of(endless(), broken())
