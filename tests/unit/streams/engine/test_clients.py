"""Clients of brokers that went away: what is left of them when they are stopped (streams/engine/kafka.py)."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError, ProducerFenced
from aiokafka.protocol.metadata import MetadataRequest, MetadataResponse_v0

from streams.engine.connections import NOBODY_ALIVE
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


class Fenced:
    """A connection to a broker that is up and not registered again."""

    def __init__(self) -> None:
        self.closed = False

    async def send(self, request: object) -> object:
        assert isinstance(request, MetadataRequest)
        return MetadataResponse_v0([], [])

    def close(self, reason: object = None) -> asyncio.Future[None]:  # noqa: ARG002 - as aiokafka calls it
        self.closed = True
        closed = asyncio.get_running_loop().create_future()
        closed.set_result(None)
        return closed


async def test_a_client_does_not_start_in_a_cluster_without_living_brokers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next request would fail by an assertion, as a defect of ours, and end its stage.

    Mutation tried: as aiokafka has it: fails, it starts.
    """
    connection = Fenced()

    async def connected(*_: object, **__: object) -> Fenced:
        await asyncio.sleep(0)
        return connection

    monkeypatch.setattr("aiokafka.client.create_conn", connected)
    client: Any = AIOKafkaClient(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(KafkaConnectionError, match=NOBODY_ALIVE):
        await client.bootstrap()
    assert connection.closed
    assert client._sync_task is None
    await client.close()


class Closed:
    """A writer whose transport uvloop has closed."""

    closed = False

    def write(self, _data: bytes) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    def close(self) -> None:
        self.closed = True


def broken(writer: object) -> AIOKafkaConnection:
    connection: Any = AIOKafkaConnection("127.0.0.1", 1)
    connection._writer, connection._reader = writer, SimpleNamespace(at_eof=lambda: False)
    connection._versions = {MetadataRequest.API_KEY: (0, 0)}
    connection._read_task = connection._closed_fut = asyncio.get_running_loop().create_future()
    connection._closed_fut.set_result(None)
    return cast("AIOKafkaConnection", connection)


async def test_a_transport_that_uvloop_has_closed_is_a_broken_connection() -> None:
    """Mutation tried: as aiokafka has it: fails with a plain `RuntimeError`."""
    writer = Closed()
    connection = broken(writer)
    with pytest.raises(KafkaConnectionError, match="the handler is closed"):
        await connection.send(MetadataRequest([]))
    assert writer.closed
    assert not connection.connected()


async def test_a_refused_transport_while_connecting_is_an_error_of_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("closed Transport handle and unset waiter")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", refuse, raising=False)
    with pytest.raises(ConnectionError, match="unset waiter"):
        await create_conn("127.0.0.1", 1)


async def test_the_metadata_task_outlives_a_transport_that_uvloop_has_closed() -> None:
    """Nothing starts it again, and a producer whose partition has a new leader waits for it for ever.

    Mutation tried: as aiokafka has it: fails, the task is done.
    """
    client: Any = AIOKafkaClient(bootstrap_servers="127.0.0.1:1", metadata_max_age_ms=300)
    client._conns = {("bootstrap", ConnectionGroup.DEFAULT): broken(Closed())}
    client._sync_task = asyncio.create_task(client._md_synchronizer())
    with suppress(TimeoutError):
        await asyncio.wait_for(client.force_metadata_update(), 0.3)
    assert not client._sync_task.done()
    await client.close()
