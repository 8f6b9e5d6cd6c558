"""Where the records of an audience request go, without a broker."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiokafka.structs import RecordMetadata, TopicPartition

from connectors.http.audience.commands import Upload
from schemas import topics as t
from streams.audience_writer import Writer
from streams.engine.api import EngineConfig
from streams.engine.wire import Batch


class Producer:
    """Takes every batch in one transaction."""

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}
        self.did: list[str] = []

    async def begin_transaction(self) -> None:
        self.did.append("begin")

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[RecordMetadata]:
        self.did.append("send")
        self.taken[topic] = self.taken.get(topic, 0) + batch.record_count()
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        place = TopicPartition(topic, partition)
        future.set_result(RecordMetadata(topic, partition, place, 0, 0, 0, 0))
        return future

    async def commit_transaction(self) -> None:
        self.did.append("commit")


async def test_a_command_and_its_users_go_to_their_topics_in_one_transaction() -> None:
    """Mutation tried: all records to the commands: fails."""
    writer, producer = Writer(EngineConfig("127.0.0.1:1", "app", "w", "/nowhere")), Producer()
    writer._producer = cast("Any", producer)
    writer._ready.set()
    await writer.write(Upload("u", "c", [b"command", *[b"users"] * 20]), ())
    assert {t.AUDIENCE_COMMANDS: 1, t.AUDIENCE_USERS: 20} == producer.taken
    assert ["begin", "send", "send", "commit"] == producer.did
