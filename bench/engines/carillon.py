"""The job on Carillon's engine, through the stage API that `agents/` use.

consumes   requests as JSON
keeps      dedup: idempotency key → nothing
emits      one message per channel
"""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator

import msgspec
import uvloop
from prometheus_client import CollectorRegistry

from bench.job import Order, order_of, say_first
from connectors.clock import now_ms
from streams.engine.api import EngineConfig, Input, Stage, Stream, Tables, TableSpec, ToTopic
from streams.engine.meters import Meters
from streams.engine.stage import StageRunner
from streams.engine.worker import Worker


class Request(msgspec.Struct, gc=False):
    """What the job reads of a request."""

    idempotency_key: str
    user_id: str
    channels: list[str]
    params: dict[str, str]


class User(msgspec.Struct, gc=False):
    """What the hop reads of a request."""

    user_id: str


class Message(msgspec.Struct, gc=False):
    """What the job writes."""

    id: str
    to: str
    p: dict[str, str]


class Email(msgspec.Struct, gc=False):
    """Outcome: a message for the e-mail topic."""

    key: bytes
    body: bytes


class Push(Email, gc=False):
    """Outcome: a message for the push topic."""


class Moved(msgspec.Struct, gc=False):
    """Outcome of the hop: the request as it came, under its user's key."""

    key: bytes
    body: bytes


OUTCOMES: dict[str, type[Email]] = {"email": Email, "push": Push}
encode = msgspec.json.Encoder().encode


async def once(stream: Stream, tables: Tables) -> AsyncIterator[Email]:
    """Each idempotency key is sent once."""
    dedup = tables["dedup"]
    async for event in stream:
        request: Request = event.value
        key = request.idempotency_key
        if dedup.get(key) is not None:
            continue
        dedup.put(key, b"1")
        body = encode(Message(key, request.user_id, request.params))
        for channel in request.channels:
            yield OUTCOMES[channel](event.key, body)


async def by_user(stream: Stream, _tables: Tables) -> AsyncIterator[Moved]:
    """Each request goes to its user's partition."""
    async for event in stream:
        assert event.raw is not None
        yield Moved(event.value.user_id.encode(), event.raw)


def to(topic: str, *, same_partition: bool) -> tuple[ToTopic]:
    """Route of an outcome that has `key` and `body`."""
    return (ToTopic(lambda _: topic, lambda found: found.key, lambda found: found.body, same_partition),)


def stages(order: Order) -> list[Stage]:
    """The job, and before it the hop where the order asks for one."""
    hop_topic = f"{order.app}.by-user"
    job = Stage(
        name="job",
        inputs=(Input(hop_topic if order.hop else order.source, msgspec.json.Decoder(Request).decode),),
        agent=once,
        routes={OUTCOMES[name]: to(topic, same_partition=True) for name, topic in order.outputs.items()},
        tables=(TableSpec("dedup", 1, str.encode, bytes, bytes),),
        min_interval_ms=order.interval_ms,
    )
    if not order.hop:
        return [job]
    hop = Stage(
        name="by-user",
        inputs=(Input(order.source, msgspec.json.Decoder(User).decode),),
        agent=by_user,
        routes={Moved: to(hop_topic, same_partition=False)},
        min_interval_ms=order.interval_ms,
    )
    return [hop, job]


async def run(order: Order) -> None:
    """All stages until SIGTERM."""
    worker = Worker(config_of(order), Meters(CollectorRegistry()), now_ms, lambda: secrets.token_bytes(16))
    await worker.start()
    runners = [worker.runner(stage) for stage in stages(order)]
    running = [asyncio.create_task(runner.run()) for runner in runners]

    def stop() -> None:
        for runner in runners:
            runner.stop()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    telling = asyncio.create_task(_tell(runners))
    await asyncio.gather(*running)
    telling.cancel()
    await worker.stop()


def config_of(order: Order) -> EngineConfig:
    """The engine's settings; all but the names are its defaults."""
    return EngineConfig(
        bootstrap=order.bootstrap,
        app=order.app,
        worker=order.worker,
        data_dir=order.data,
        static_id=order.static,
    )


async def _tell(runners: list[StageRunner]) -> None:
    """Say when a record has arrived, or when a restarted task stands behind its records again."""
    while not any(
        lane.next_fetch > 0
        for runner in runners
        for task in runner.tasks()
        for lane in task.lanes.by_tp.values()
    ):
        await asyncio.sleep(0.002)
    say_first()


if __name__ == "__main__":
    uvloop.run(run(order_of()))
