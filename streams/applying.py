"""`carillon apply`: YAML files into the topic `reference`; only what changed gets a new version."""

from __future__ import annotations

from pathlib import Path

from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from connectors.reference import ReferenceBook, ReferenceRecord, key_of, load_directory
from connectors.reference.wire import encode
from schemas import topics
from streams.engine.reference import GlobalTable
from streams.outside import cipher_of, engine_config
from streams.settings import Settings


async def apply_directory(settings: Settings, folder: Path) -> list[str]:
    """Write what the folder says; the keys that changed. `ReferenceFilesError` tells every fault."""
    records, cipher = load_directory(folder), cipher_of(settings)
    book = ReferenceBook(cipher)
    table = GlobalTable(engine_config(settings), topics.REFERENCE, book.apply)
    await table.start()
    await table.stop()
    known = {key_of(record): record for record in book.records()}
    changed = [
        new for record in records if (new := next_version(record, known.get(key_of(record)))) is not None
    ]
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap, acks="all", enable_idempotence=True
    )
    async with producer:
        for record in changed:
            await producer.send(
                topics.REFERENCE, encode(record, cipher), key=key_of(record).encode(), partition=0
            )
    return [key_of(record) for record in changed]


def next_version(record: ReferenceRecord, known: ReferenceRecord | None) -> ReferenceRecord | None:
    """The record with its next version, or None when it says what is known already."""
    if known is None:
        return record
    same = replace(record, version=known.version)
    return None if same == known else replace(record, version=known.version + 1)
