"""`carillon apply`: YAML files into the topic `reference`; only what changed gets a new version."""

from __future__ import annotations

from pathlib import Path

import msgspec
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from connectors.reference.book import ReferenceBook, key_of
from connectors.reference.files import load_directory
from schemas import topics
from streams.engine.reference import GlobalTable
from streams.outside import engine_config
from streams.settings import Settings


async def apply_directory(settings: Settings, folder: Path) -> list[str]:
    """Write what the folder says; the keys that changed."""
    records = load_directory(folder)
    known: dict[bytes, bytes] = {}

    def note(key: bytes, value: bytes | None) -> None:
        if value is not None:
            known[key] = value

    table = GlobalTable(engine_config(settings), topics.REFERENCE, note)
    await table.start()
    try:
        changed = [pair for record in records if (pair := _changed(record, known)) is not None]
    finally:
        await table.stop()
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        for key, value in changed:
            await producer.send(topics.REFERENCE, value, key=key, partition=0)
    return [key.decode() for key, _ in changed]


def _changed(record: msgspec.Struct, known: dict[bytes, bytes]) -> tuple[bytes, bytes] | None:
    """The record with its next version, or None when it says what is known already."""
    key = key_of(record).encode()
    before = known.get(key)
    if before is None:
        return key, msgspec.json.encode(record)
    old = msgspec.json.decode(before, type=type(record))
    if msgspec.json.encode(replace(record, version=old.version)) == msgspec.json.encode(old):
        return None
    return key, msgspec.json.encode(replace(record, version=old.version + 1))
