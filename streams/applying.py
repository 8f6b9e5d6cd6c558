"""Reference data: YAML files into Postgres, and from its outbox into the topic `reference`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from connectors.access.actor import PRODUCT, Actor
from connectors.kafka_clients import writing
from connectors.postgres.database import Database
from connectors.postgres.reference import ReferenceStore
from connectors.reference.faults import ReferenceFilesError
from connectors.reference.files import load_directory
from connectors.reference.known_versions import known_versions, note_versions
from connectors.reference.wire import ReferenceRecord
from connectors.templates.shelf import Filed
from schemas import topics
from schemas.records import SeenTag
from streams.access import publish_access
from streams.outside import cipher_of
from streams.servers import database_of
from streams.settings import Settings
from streams.topics import create_destinations

CONFLICT = (
    "{key}: edited elsewhere since these files wrote it, and edited here, too. `carillon template pull` shows"
    " what is in force; `--force` writes over it"
)


async def apply_directory(settings: Settings, folder: Path, actor: Actor = PRODUCT) -> list[str]:
    """As `file_directory`; the keys that changed."""
    return (await file_directory(settings, folder, actor=actor)).changed


async def file_directory(
    settings: Settings, folder: Path, *, force: bool = False, actor: Actor = PRODUCT
) -> Filed:
    """Write what the folder says. `ReferenceFilesError` tells every fault, and every conflict.

    Topics of seen facts are made first: for one that is missing the whole seen stage would wait.
    """
    records = load_directory(folder)
    await create_destinations(settings, seen_topics(records))
    return await file_records(settings, folder, records, force=force, actor=actor)


async def file_records(
    settings: Settings,
    folder: Path,
    records: Sequence[ReferenceRecord],
    *,
    force: bool = False,
    actor: Actor = PRODUCT,
) -> Filed:
    """Write records that were read from a folder, and publish them.

    The folder remembers which versions its templates are (`connectors.reference.known_versions`), so that a
    folder that is behind does not write over one that was ahead.
    """
    database = database_of(settings)
    try:
        store, known = ReferenceStore(database, cipher_of(settings)), known_versions(folder)
        filed = await store.file_in(records, known, force=force, actor=actor)
        if filed.conflicts:
            raise ReferenceFilesError([CONFLICT.format(key=key) for key in filed.conflicts])
        if known:
            note_versions(folder, known | filed.versions)
        await relay(settings, database)
        await publish_access(settings, database)
    finally:
        await database.close()
    return filed


def seen_topics(records: Iterable[ReferenceRecord]) -> list[str]:
    """Topics that these records let seen facts go to."""
    tags = [record for record in records if isinstance(record, SeenTag)]
    named = [*(name for tag in tags for name in tag.destinations)]
    named += [target.topic for tag in tags for target in tag.targets if target.topic]
    return list(dict.fromkeys(named))


async def relay(settings: Settings, database: Database) -> int:
    """Publish what waits in the outbox; how many changes that were. Several processes may do so at once."""
    brokers = settings.kafka.brokers()

    async def publish(pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        async with writing(brokers) as write:
            for key, value in pairs:
                await write(topics.REFERENCE, value, key=key, partition=0)

    return await ReferenceStore(database, cipher_of(settings)).relay(publish)


def filed_told(filed: Filed) -> str:
    """For a terminal."""
    lines = [f"{len(filed.changed)} changed", *(f"  {key}" for key in filed.changed)]
    if filed.kept:
        lines += [f"{len(filed.kept)} kept: edited elsewhere, not in these files"]
        lines += [f"  {key}" for key in filed.kept]
    return "\n".join(lines)
