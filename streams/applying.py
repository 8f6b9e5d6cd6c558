"""Reference data: YAML files into Postgres, and from its outbox into the topic `reference`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from connectors.kafka_clients import writing
from connectors.postgres.database import Database
from connectors.postgres.reference import ReferenceStore
from connectors.reference.files import load_directory
from connectors.reference.wire import ReferenceRecord
from schemas import topics
from schemas.records import SeenTag
from streams.outside import cipher_of
from streams.servers import database_of
from streams.settings import Settings
from streams.topics import create_destinations


async def apply_directory(settings: Settings, folder: Path) -> list[str]:
    """Write what the folder says; the keys that changed. `ReferenceFilesError` tells every fault.

    Topics of seen facts are made first: for one that is missing the whole seen stage would wait.
    """
    records = load_directory(folder)
    await create_destinations(settings, seen_topics(records))
    database = database_of(settings)
    try:
        changed = await ReferenceStore(database, cipher_of(settings)).apply(records)
        await relay(settings, database)
    finally:
        await database.close()
    return changed


def seen_topics(records: Iterable[ReferenceRecord]) -> list[str]:
    """Topics that these records let seen facts go to."""
    tags = [record for record in records if isinstance(record, SeenTag)]
    named = [*(name for tag in tags for name in tag.destinations)]
    named += [target.topic for tag in tags for target in tag.targets if target.topic]
    return list(dict.fromkeys(named))


async def relay(settings: Settings, database: Database) -> int:
    """Publish what waits in the outbox; how many changes that were. Several processes may do so at once."""
    bootstrap = str(settings.kafka.bootstrap)

    async def publish(pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        async with writing(bootstrap) as write:
            for key, value in pairs:
                await write(topics.REFERENCE, value, key=key, partition=0)

    return await ReferenceStore(database, cipher_of(settings)).relay(publish)
