"""Reference data: YAML files into Postgres, and from its outbox into the topic `reference`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connectors.kafka_clients import writing
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

    async def publish(pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        async with writing(bootstrap) as write:
            for key, value in pairs:
                await write(topics.REFERENCE, value, key=key, partition=0)

    return await ReferenceStore(database, cipher_of(settings)).relay(publish)
