"""`carillon dlq …`: what could not be read or made our own code fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
import typer
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from connectors.kafka_admin import topics_of
from connectors.kafka_clients import Brokers, connected, writing
from schemas.topics import DLQ
from streams.engine.dead_letters import PREFIX
from streams.routes import place_again
from streams.servers import located
from streams.settings import load_settings

dlq = typer.Typer(no_args_is_help=True, add_completion=False, help="Dead letters.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines.")]
FETCH_WAIT_MS = 20
"""An empty topic is left only when its last fetch has ended: with half a second each, a list takes 17 s."""
Topic = Annotated[str, typer.Argument(help="A dead-letter topic, or the input topic it belongs to.")]


@dlq.command("list")
def show_topics(as_json: Json = False) -> None:
    """Count dead letters by topic. Example: carillon dlq list."""

    async def counts() -> dict[str, int]:
        brokers = _brokers()
        async with topics_of(brokers) as topics:
            names = sorted(name for name in await topics.names() if name.endswith(DLQ))
        return {name: len([letter async for letter in records_in(brokers, name)]) for name in names}

    found = asyncio.run(counts())
    if as_json:
        typer.echo(orjson.dumps(found))
        return
    for name, count in found.items():
        if count:
            typer.echo(f"{count:>8}  {name}")
    typer.echo(f"{sum(found.values()):>8}  in all")


@dlq.command()
def show(
    topic: Topic, limit: Annotated[int, typer.Option(help="The most to print.")] = 20, as_json: Json = False
) -> None:
    """Show dead letters with reason and origin. Example: carillon dlq show payment.events."""
    brokers = _brokers()
    name = asyncio.run(_dead_letters_of(brokers, topic))

    async def letters() -> list[dict[str, Any]]:
        return [_plain(letter) async for letter in records_in(brokers, name)][:limit]

    found = asyncio.run(letters())
    if not found and not as_json:
        typer.echo(f"nothing in {name}")
    for letter in found:
        if as_json:
            typer.echo(orjson.dumps(letter))
        else:
            origin = f"{letter['topic']}/{letter['partition']}/{letter['at']}"
            typer.echo(f"{letter['offset']:>6}  {origin}  {letter['reason']}")


@dlq.command()
def redrive(
    topic: Topic,
    offset: Annotated[int | None, typer.Option(help="One dead letter only.")] = None,
) -> None:
    """Send dead letters to their input topic again. Example: carillon dlq redrive user.events --offset 3."""
    brokers = _brokers()
    name = asyncio.run(_dead_letters_of(brokers, topic))

    async def again() -> int:
        sent = 0
        source = name.removesuffix(DLQ)
        async with topics_of(brokers) as topics:
            count = (await topics.partition_counts([source])).get(source, 1)
        async with writing(brokers) as write:
            async for letter in records_in(brokers, name):
                if offset is not None and letter.offset != offset:
                    continue
                headers = [header for header in letter.headers if not header[0].startswith(PREFIX)]
                target = dict(letter.headers)[PREFIX + "topic"].decode()
                place = place_again(target, letter.key)
                partition = None if place is None else place % count
                await write(target, letter.value, key=letter.key, partition=partition, headers=headers)
                sent += 1
        return sent

    typer.echo(f"{asyncio.run(again())} sent again")


def _brokers() -> Brokers:
    return located(load_settings()).kafka.brokers()


async def _dead_letters_of(brokers: Brokers, topic: str) -> str:
    """The dead-letter topic that is meant; `BadParameter` when there is none."""
    name = topic if topic.endswith(DLQ) else topic + DLQ
    async with topics_of(brokers) as topics:
        present = await topics.names()
    if name not in present:
        known = ", ".join(sorted(one.removesuffix(DLQ) for one in present if one.endswith(DLQ)))
        raise typer.BadParameter(f"no topic {name}; there are dead letters of: {known}")
    return name


async def records_in(brokers: Brokers, topic: str) -> AsyncIterator[Any]:
    """All records that a topic has now, oldest first by partition.

    Where each partition ends is asked before the first record is given: what its reader sends again may fail
    at once and land behind, and is none of them.
    """
    consumer = AIOKafkaConsumer(
        **brokers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    async with connected(consumer):
        async with topics_of(brokers) as topics:
            count = (await topics.partition_counts([topic])).get(topic, 0)
        partitions = [TopicPartition(topic, number) for number in range(count)]
        ends = await consumer.end_offsets(partitions) if partitions else {}
        for tp, end in ends.items():
            consumer.assign([tp])
            await consumer.seek_to_beginning(tp)
            while await consumer.position(tp) < end:
                for records in (await consumer.getmany(tp, timeout_ms=200)).values():
                    for record in records:
                        yield record


def _plain(letter: Any) -> dict[str, Any]:
    headers = {name: value.decode(errors="replace") for name, value in letter.headers}
    return {
        "offset": letter.offset,
        "topic": headers.get(PREFIX + "topic"),
        "partition": headers.get(PREFIX + "partition"),
        "at": headers.get(PREFIX + "offset"),
        "stage": headers.get(PREFIX + "stage"),
        "reason": headers.get(PREFIX + "reason"),
        "stack": headers.get(PREFIX + "stack"),
        "value": (letter.value or b"").decode(errors="replace"),
    }
