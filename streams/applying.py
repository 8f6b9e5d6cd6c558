"""Reference data: YAML files into Postgres, and from its outbox into the topic `reference`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer

from connectors.postgres.database import Database
from connectors.postgres.reference import ReferenceStore
from connectors.reference.files import load_directory
from schemas import topics
from streams.outside import cipher_of
from streams.servers import database_of
from streams.settings import Settings


async def apply_directory(settings: Settings, folder: Path) -> list[str]:
    """Write what the folder says; the keys that changed. `ReferenceFilesError` tells every fault."""
    records = load_directory(folder)
    database = database_of(settings)
    try:
        changed = await ReferenceStore(database, cipher_of(settings)).apply(records)
        await relay(settings, database)
    finally:
        await database.close()
    return changed


async def relay(settings: Settings, database: Database) -> int:
    """Publish what waits in the outbox; how many changes that were. Several processes may do so at once."""
    bootstrap = str(settings.kafka.bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)

    async def publish(pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        sent = [await producer.send(topics.REFERENCE, value, key=key, partition=0) for key, value in pairs]
        await asyncio.gather(*sent)

    async with producer:
        return await ReferenceStore(database, cipher_of(settings)).relay(publish)
