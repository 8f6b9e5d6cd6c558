"""What lies in Kafka: every committed record of some topics, from the first to the last."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass
from typing import Any

import fastavro
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from fastavro.schema import fingerprint, to_parsing_canonical_form

SCHEMAS = "carillon.schemas"
HEAD = 10  # C3 01 and eight bytes of fingerprint: Avro's single-object encoding
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in a topic."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    def json(self) -> Any:
        """The value as JSON."""
        return json.loads(self.value or b"null")


async def read(bootstrap: str, prefixes: tuple[str, ...], suffix: str) -> dict[str, list[Record]]:
    """All records, by topic, of topics whose name begins with a prefix or ends with the suffix."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        wanted = [
            place
            for place in await places(bootstrap)
            if place.topic.startswith(prefixes) or place.topic.endswith(suffix)
        ]
        return await asyncio.wait_for(_read_all(consumer, wanted), PATIENCE_S)
    finally:
        await consumer.stop()


async def places(bootstrap: str) -> list[TopicPartition]:
    """All partitions of all topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        topics = await admin.describe_topics()
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], one["partition"]) for topic in topics for one in topic["partitions"]
    ]


async def _read_all(consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {place.topic: [] for place in places}
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)
    ends = await consumer.end_offsets(places)
    while any([await consumer.position(place) < ends[place] for place in places]):
        for place, records in (await consumer.getmany(timeout_ms=100)).items():
            found[place.topic] += [Record(one.key, one.value, dict(one.headers)) for one in records]
    return found


class AvroReader:
    """Reads Avro records with the schemas that their writers published."""

    def __init__(self, schemas: list[Record]) -> None:
        parsed = [fastavro.parse_schema(record.json()) for record in schemas if record.value]
        self._by_mark = {_mark(schema): schema for schema in parsed}

    def __call__(self, record: Record) -> dict[str, Any]:
        value = record.value or b""
        found = fastavro.schemaless_reader(io.BytesIO(value[HEAD:]), self._by_mark[value[2:HEAD]], None)
        return dict(found)  # type: ignore[arg-type]


def _mark(schema: Any) -> bytes:
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
