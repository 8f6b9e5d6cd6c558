"""The feeder against a real HTTP server and a producer that writes down what it gets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web

from streams.demo.feeder import Feeder, PostFailedError
from streams.demo.lines import Line


class Notebook:
    """A producer whose every record is acknowledged."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    async def send(
        self, topic: str, value: bytes, *, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[object]:
        del topic, key, headers
        self.values.append(value)
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class Door:
    """Answers with the given statuses in turn, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)

    async def answer(self, _: web.Request) -> web.Response:
        return web.Response(status=self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])


@asynccontextmanager
async def feeding(door: Door, producer: Notebook, pauses: list[float]) -> AsyncIterator[Feeder]:
    app = web.Application()
    app.router.add_post("/seen", door.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    try:
        async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            yield Feeder(producer, session, "hush", pause)
    finally:
        await runner.cleanup()


def record(number: int) -> Line:
    given = {"phase": 1, "to": "kafka", "topic": "t", "key": None, "headers": {}, "raw": str(number)}
    return Line(number, given)


def post() -> Line:
    return Line(9, {"phase": 1, "to": "http", "path": "/seen", "headers": {}, "body": {}})


async def test_records_are_sent_in_their_order_and_counted() -> None:
    producer = Notebook()
    async with feeding(Door(200), producer, []) as feeder:
        await feeder.feed([record(1), record(2), record(3)])
    assert [b"1", b"2", b"3"] == producer.values
    assert 3 == feeder.records == feeder.fed


@pytest.mark.spec("SEEN-010 SEEN-016")
async def test_post_is_repeated_with_growing_pauses_until_it_is_answered() -> None:
    pauses: list[float] = []
    async with feeding(Door(503, 429, 200), Notebook(), pauses) as feeder:
        await feeder.feed([post()])
    assert Counter({200: 1}) == feeder.answers
    assert [0.2, 0.4] == pauses


async def test_refused_post_is_not_repeated() -> None:
    pauses: list[float] = []
    async with feeding(Door(400), Notebook(), pauses) as feeder:
        await feeder.feed([post()])
    assert Counter({400: 1}) == feeder.answers
    assert not pauses


async def test_server_that_never_takes_a_post_ends_the_feeding() -> None:
    async with feeding(Door(503), Notebook(), []) as feeder:
        with pytest.RaisesGroup(PostFailedError):
            await feeder.feed([post()])
