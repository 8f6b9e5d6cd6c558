"""The wire catches what it is told to, and nothing else."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress

import pytest

from connectors.embedded.kafka import HOST, free_port
from tests.broker.app.proxy import Api
from tests.chaos.mutants.wire import Catch, about, open_wire, with_error


def asked(api: int, name: str) -> bytes:
    """A request of the worker's client about a transactional id."""
    told = b"worker-a"
    head = struct.pack(">hhih", api, 0, 7, len(told)) + told
    return head + struct.pack(">h", len(name)) + name.encode() + bytes(11)


def framed(frame: bytes) -> bytes:
    return struct.pack(">i", len(frame)) + frame


def answer(error: int) -> bytes:
    return struct.pack(">iih", 7, 0, error)


async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says yes to everything."""
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            (length,) = struct.unpack(">i", await reader.readexactly(4))
            await reader.readexactly(length)
            writer.write(framed(answer(0)))
    writer.close()


def test_a_request_tells_what_transaction_it_is_about() -> None:
    frame = asked(Api.END_TRANSACTION, "carillon.intake.2")
    assert (Api.END_TRANSACTION, "carillon.intake.2") == about(frame)
    assert (Api.FETCH, "") == about(asked(Api.FETCH, "carillon.intake.2"))


def test_an_answer_says_something_else() -> None:
    assert answer(-1) == with_error(answer(0), -1)


@pytest.mark.parametrize(
    ("stage", "error"), [("intake", -1), ("recipient", 0)], ids=["this stage", "another stage"]
)
async def test_only_the_stage_that_is_meant_gets_the_false_answer(stage: str, error: int) -> None:
    real, port = free_port(0), free_port(0)
    server = await asyncio.start_server(broker, HOST, real)
    async with open_wire(port, real) as wire:
        wire.catch(Catch(Api.END_TRANSACTION, "intake", answered=True, error=-1))
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(framed(asked(Api.END_TRANSACTION, f"carillon.{stage}.0")))
        assert framed(answer(error)) == await reader.readexactly(14)
        writer.close()
    server.close()
    await server.wait_closed()


async def test_a_request_is_held_until_it_is_let_go() -> None:
    real, port = free_port(0), free_port(0)
    server = await asyncio.start_server(broker, HOST, real)
    async with open_wire(port, real) as wire:
        catch = wire.catch(Catch(Api.END_TRANSACTION, "intake"))
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(framed(asked(Api.END_TRANSACTION, "carillon.intake.0")))
        await asyncio.wait_for(catch.caught.wait(), 5)
        reading = asyncio.create_task(reader.readexactly(14))
        assert (set(), {reading}) == await asyncio.wait([reading], timeout=0.1)
        wire.forget(catch)
        assert framed(answer(0)) == await reading
        writer.close()
    server.close()
    await server.wait_closed()
