"""The audience edge on a real broker: its topics, an owner that answers, and a process to be killed.

    python -m tests.broker.audience_processes <bootstrap> <app> <worker> <transaction ms>

The process writes half of a request, says so on its output, and never goes on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from connectors.http.audience.commands import Upload
from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from schemas import topics as t
from schemas.codec import Decoder, encode, encode_json
from schemas.records import AudienceAnswered, AudienceWithdrawn
from streams import audience_writer
from streams.audience_edge import AudienceEdge
from streams.audience_writer import Writer
from streams.engine.api import EngineConfig

COMPACT = {"cleanup.policy": "compact"}
TOPICS = (
    TopicSpec(t.AUDIENCE_COMMANDS, 1, config={"max.message.bytes": str(t.RECORD_BYTES)}),
    TopicSpec(t.AUDIENCE_USERS, 1),
    TopicSpec(t.AUDIENCE_ANSWERS, 1),
    TopicSpec(t.AUDIENCE_LABELS, 1, config=COMPACT),
    TopicSpec(t.REFERENCE, 1, config=COMPACT),
    TopicSpec(t.SCHEMAS, 1, config=COMPACT),
)
COMMANDS = TopicPartition(t.AUDIENCE_COMMANDS, 0)
USERS = TopicPartition(t.AUDIENCE_USERS, 0)
HEADERS = {"traceparent": b"00"}
WRITTEN = "written"


def config(bootstrap: str, app: str, worker: str) -> EngineConfig:
    return EngineConfig(bootstrap, app, worker, "/nowhere", request_timeout_ms=5_000)


def upload(name: str, records: int = 3) -> Upload:
    """So many records, all but the first for users; the edge does not look into them."""
    command = AudienceWithdrawn(
        upload_id=name,
        request_id=name,
        idempotency_key=name,
        digest=b"d",
        received_at=0,
        campaign_label="c",
    )
    return Upload(name, "c", [encode(command)] * records)


async def created(bootstrap: str) -> None:
    async with topics_of(open_brokers(bootstrap)) as topics:
        await topics.create_missing(TOPICS)


@asynccontextmanager
async def connected(edge: AudienceEdge) -> AsyncIterator[AudienceEdge]:
    """Connected in the block."""
    try:
        await asyncio.wait_for(edge.connect(), 60)
        yield edge
    finally:
        await edge.stop()


class Owner:
    """Stands for the stage `audience`: answers each upload that comes from now on, once it is committed."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._decode = Decoder(AudienceWithdrawn)
        self.seen: list[str] = []
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Read in read_committed."""
        async with (
            AIOKafkaConsumer(
                t.AUDIENCE_COMMANDS,
                bootstrap_servers=self._bootstrap,
                isolation_level="read_committed",
                fetch_max_wait_ms=50,
            ) as consumer,
            AIOKafkaProducer(bootstrap_servers=self._bootstrap) as producer,
        ):
            await consumer.seek_to_end()
            await consumer.position(COMMANDS)
            self.ready.set()
            async for record in consumer:
                name = self._decode(record.value or b"").upload_id
                if name not in self.seen:
                    value = encode_json(answer(name))
                    await producer.send_and_wait(t.AUDIENCE_ANSWERS, value, key=name.encode())
                self.seen.append(name)


def answer(name: str) -> AudienceAnswered:
    return AudienceAnswered(upload_id=name, request_id=name, outcome="accepted")


@asynccontextmanager
async def owner(bootstrap: str) -> AsyncIterator[Owner]:
    """An owner at work in the block."""
    one = Owner(bootstrap)
    task = asyncio.create_task(one.run())
    try:
        await asyncio.wait_for(one.ready.wait(), 60)
        yield one
    finally:
        task.cancel()
        await asyncio.wait([task])


class Halting(Writer):
    """Says when its records are with the broker, and never commits."""

    async def write(self, upload: Upload, headers: tuple[tuple[str, bytes], ...]) -> None:
        """As its class, up to the commit."""
        assert self._producer is not None
        outputs = await self._filled(self._producer, upload, headers)
        await self._producer.begin_transaction()
        await outputs.flush()
        sys.stdout.write(f"{WRITTEN}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def main(bootstrap: str, app: str, worker: str, transaction_ms: str) -> None:
    """Write half a request."""
    audience_writer.TRANSACTION_MS = int(transaction_ms)
    writer = Halting(config(bootstrap, app, worker))
    await writer.start()
    await writer.write(upload("half"), tuple(HEADERS.items()))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
