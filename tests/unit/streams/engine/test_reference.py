"""How often a global table is asked for its end (design rule 16), and that its reader goes on."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError, OffsetOutOfRangeError

from streams.engine import reference
from streams.engine.api import EngineConfig
from streams.engine.reference import GlobalTable
from streams.engine.turns import Turns


class Counted(GlobalTable):
    """Counts questions; answers as told."""

    answers = True
    asked = 0

    async def _caught_up(self) -> bool:
        self.asked += 1
        return self.answers


def counted() -> Counted:
    return Counted(EngineConfig("nowhere", "app", "w1", "/nowhere"), "t", lambda _key, _value: None)


async def test_a_batch_asks_once_for_all_its_records() -> None:
    """A flood of invented names costs one question a batch. Mutation tried: `asked` never added to: fails."""
    table, order = counted(), Turns()
    for batch in (1, 2):
        async with order.turn(lambda: False):
            assert [True] * 3 == [await table.catch_up() for _ in range(3)]
        assert batch == table.asked
    assert await table.catch_up()
    assert 3 == table.asked


async def test_a_question_without_an_answer_is_asked_again() -> None:
    table, order = counted(), Turns()
    table.answers = False
    async with order.turn(lambda: False):
        assert [False, False] == [await table.catch_up() for _ in range(2)]
    assert 2 == table.asked


class Lost:
    """A consumer that lost its place while the broker was away."""

    def __init__(self) -> None:
        self.seeks = 0
        self.applied = asyncio.Event()

    async def getmany(self, *_: Any, **__: Any) -> dict[str, list[Any]]:
        await asyncio.sleep(0)
        if self.seeks < 2:
            raise OffsetOutOfRangeError
        return {"tp": [SimpleNamespace(key=b"k", value=b"v")]}

    async def seek_to_beginning(self, _tp: Any) -> None:
        self.seeks += 1
        if self.seeks == 1:
            raise KafkaError("still away")

    async def position(self, _tp: Any) -> int:
        return 1

    def last_stable_offset(self, _tp: Any) -> int | None:
        return None


async def test_a_lost_place_whose_repair_fails_does_not_end_the_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutation tried: the seek outside of the `try`: the reader ends and the table is old for ever."""
    monkeypatch.setattr(reference, "AWAY_S", 0.0)
    consumer = Lost()
    config = EngineConfig("nowhere", "app", "w1", "/nowhere")
    table = GlobalTable(config, "t", lambda _key, _value: consumer.applied.set())
    table._reader = asyncio.create_task(table._read_on(cast("Any", consumer)))
    await asyncio.wait_for(consumer.applied.wait(), 60)
    states = [table.is_reading]
    await table.stop()
    states.append(table.is_reading)
    assert [True, False] == states


class Fetched:
    """A consumer after a fetch: where it stands, where the log ends, when that was heard."""

    def __init__(self, *fetches: tuple[int, int | None, int | None]) -> None:
        self.fetches = list(fetches)

    async def getmany(self, *_: Any, **__: Any) -> dict[str, list[Any]]:
        return {}

    async def position(self, _tp: Any) -> int:
        return self.fetches[0][0]

    def last_stable_offset(self, _tp: Any) -> int | None:
        return self.fetches[0][1]

    def last_poll_timestamp(self, _tp: Any) -> int | None:
        return self.fetches.pop(0)[2]


async def test_a_table_is_as_fresh_as_its_last_fetch_that_left_nothing_out() -> None:
    """Mutation tried: every fetch counts: fails."""
    table = counted()
    fetches = [(3, None, None), (3, 5, 10), (5, 5, 20), (5, 6, 30), (7, 6, 40)]
    found = []
    for fetch in fetches:
        consumer = Fetched(fetch)
        await table._read_once(cast("Any", consumer))
        found.append(table.fresh_at)
    assert [0, 0, 20, 20, 40] == found


class Broken(Lost):
    """A consumer with a defect that no error of Kafka's tells."""

    def __init__(self, *, starts: bool = True, breaks: bool = True) -> None:
        super().__init__()
        self.starts, self.breaks = starts, breaks
        self.stopped = 0
        self.sought: list[int] = []

    async def getmany(self, *_: Any, **__: Any) -> dict[str, list[Any]]:
        await asyncio.sleep(0)
        if self.breaks:
            raise ValueError("a defect of the client")
        return {"tp": [SimpleNamespace(key=b"k", value=b"v")]}

    async def start(self) -> None:
        if not self.starts:
            raise OSError("away")

    async def stop(self) -> None:
        self.stopped += 1
        if self.breaks:
            raise ValueError("still broken")

    def assign(self, _tps: Any) -> None: ...

    def seek(self, _tp: Any, offset: int) -> None:
        self.sought.append(offset)


async def test_a_reader_that_breaks_as_nobody_foresaw_connects_anew_and_goes_on_where_it_stood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutations tried: errors of Kafka alone are caught, reading or stopping; the broken one is kept."""
    monkeypatch.setattr(reference, "AWAY_S", 0.0)
    applied = asyncio.Event()
    config = EngineConfig("nowhere", "app", "w1", "/nowhere")
    table = GlobalTable(config, "t", lambda _key, _value: applied.set())
    first, away, good = Broken(), Broken(starts=False), Broken(breaks=False)
    made = iter((away, good))
    monkeypatch.setattr(reference, "restore_consumer", lambda _config: next(made))
    table._position, table._consumer = 7, cast("Any", first)
    table._reader = asyncio.create_task(table._read_on(cast("Any", first)))
    await asyncio.wait_for(applied.wait(), 60)
    assert ([7], 1, 1, 0) == (good.sought, first.stopped, away.stopped, good.stopped)
    assert table.is_reading
    await table.stop()
    assert 1 == good.stopped


async def test_a_topic_that_is_not_there_is_named_with_what_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: aiokafka's own words: they name no topic."""

    class Nowhere(Broken):
        async def end_offsets(self, _tps: Any) -> dict[Any, int]:
            raise KafkaTimeoutError("Failed to get offsets by times in 15000 ms")

    monkeypatch.setattr(reference, "restore_consumer", lambda _config: Nowhere(breaks=False))
    table = GlobalTable(EngineConfig("nowhere", "app", "w1", "/nowhere"), "t", lambda _key, _value: None)
    with pytest.raises(KafkaTimeoutError, match=r"the topic t does not answer; .* `carillon topics create`"):
        await table.start()
    await table.stop()
