"""Clients of brokers that went away: what is left of them when they are stopped (streams/engine/kafka.py)."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import ProducerFenced

from streams.engine.kafka import stop_within
from streams.engine.outputs import Outputs


class Connection:
    """Closes at once."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self, reason: object = None) -> None:  # noqa: ARG002 - as aiokafka calls it
        self.closed = True


async def test_a_client_whose_metadata_task_died_of_a_closed_transport_is_closed_all_the_same() -> None:
    """A `RuntimeError` of uvloop's. A stage crashed of it beside a broker that was killed.

    Mutations tried: the error raised: fails; the dead task kept: fails, the connection stays open.
    """

    async def die() -> None:
        raise RuntimeError("the handler is closed")

    client: Any = AIOKafkaClient(bootstrap_servers="127.0.0.1:1")
    client._sync_task = asyncio.create_task(die())
    connection = Connection()
    client._conns = {1: connection}
    await asyncio.sleep(0)
    await stop_within(cast("Any", SimpleNamespace(stop=client.close, _client=client)), 1.0)
    assert connection.closed


async def test_a_batch_that_failed_before_the_next_one_was_refused_is_not_left_unasked() -> None:
    """A fence that comes between two of them. Mutation tried: as it was: fails, asyncio complains."""
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))

    class Producer:
        taken = 0

        async def send_batch(self, *_: object, **__: object) -> asyncio.Future[object]:
            self.taken += 1
            if self.taken > 1:
                raise ProducerFenced
            future = loop.create_future()
            loop.call_soon(future.set_exception, ProducerFenced())
            return future

    outputs = Outputs(cast("Any", Producer()), {})
    for partition in (0, 1):
        outputs.append("t", partition, b"k", b"v", 1, ())
    with pytest.raises(ProducerFenced):
        await outputs.flush()
    await asyncio.sleep(0)
    del outputs
    gc.collect()
    assert [] == complaints
