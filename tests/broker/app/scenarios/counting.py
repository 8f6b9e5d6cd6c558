"""Scenarios of membership, open, batch and store (design rules 1 to 9, 12)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from streams.engine.api import Input, Stage, Stream, Tables, TableSpec, ToTopic
from streams.engine.restore import Changelogs, Restored
from tests.broker.app.registry import Setting, scenario


@dataclass(frozen=True, slots=True)
class Out:
    """One output: the input's key, its id and what the table said."""

    key: bytes
    body: bytes


def _number(raw: bytes) -> int:
    return int(raw)


def _digits(number: int) -> bytes:
    return str(number).encode()


COUNTS = TableSpec("counts", 1, bytes, _digits, _number)
SEEN = TableSpec("seen", 2, bytes, bytes, bytes)


async def count(stream: Stream, tables: Tables) -> AsyncIterator[object]:
    """Number the records of each key: a lost or repeated batch, or a lost row, shows in the numbers."""
    counts = tables["counts"]
    async for event in stream:
        number = (counts.get(event.key) or 0) + 1
        counts.put(event.key, number)
        yield Out(event.key, b"%s %d" % (event.value, number))


async def once(stream: Stream, tables: Tables) -> AsyncIterator[object]:
    """Pass each id once."""
    seen = tables["seen"]
    async for event in stream:
        if seen.get(event.value) is None:
            seen.put(event.value, b"1")
            yield Out(event.key, event.value)


async def relay(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
    """Pass each record on."""
    async for event in stream:
        yield Out(event.key, event.value)


def to_out(setting: Setting, *, same_partition: bool = True) -> dict[type, tuple[ToTopic, ...]]:
    """Route of `Out`."""
    topic = setting.topic("out")
    return {Out: (ToTopic(lambda _: topic, lambda o: o.key, lambda o: o.body, same_partition),)}


@scenario
def counting(setting: Setting) -> list[Stage]:
    """`in` → `out`, numbered per key. Parameters: inputs, max_batch, min_interval_ms."""
    names = setting.params.get("inputs", ["in"])
    inputs = tuple(Input(setting.topic(name), bytes) for name in names)
    return [
        Stage(
            "count",
            inputs,
            count,
            to_out(setting),
            (COUNTS,),
            min_interval_ms=setting.params.get("min_interval_ms", 5),
            max_batch=setting.params.get("max_batch", 500),
        )
    ]


@scenario
def slow_counting(setting: Setting) -> list[Stage]:
    """`counting`, with `open_s` seconds before each restore."""
    restore = Changelogs.open_store

    async def slowly(self: Changelogs, *given: Any) -> Restored:
        await asyncio.sleep(setting.params["open_s"])
        return await restore(self, *given)

    Changelogs.open_store = slowly  # type: ignore[method-assign,assignment]
    return counting(setting)


@scenario
def deduplicating(setting: Setting) -> list[Stage]:
    """`in` → `out`, each id once."""
    inputs = (Input(setting.topic("in"), bytes),)
    return [Stage("once", inputs, once, to_out(setting), (SEEN,), min_interval_ms=5, max_batch=500)]


@scenario
def relaying(setting: Setting) -> list[Stage]:
    """`in` → `out`, no tables."""
    inputs = (Input(setting.topic("in"), bytes),)
    return [Stage("relay", inputs, relay, to_out(setting), min_interval_ms=5, max_batch=500)]
