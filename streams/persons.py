"""All that is known of one person: rows of Postgres, and what the recipient stage keeps of him.

The stage's rows are read from its changelog, the partition that is his: no worker is asked, none need run.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiokafka.errors import KafkaError

from connectors.kafka_clients import Brokers, writing
from connectors.postgres.after_restore import read_whole
from connectors.postgres.audit import Change, log_change
from connectors.postgres.persons import opened, rows_of
from schemas.codec import Decoder, SchemaBook
from schemas.ids import person_named, subject_key
from schemas.records import ContactsAsked, DevicesDue, RequestDue
from schemas.times import rfc3339
from schemas.topics import PREFERENCE_CHANGES, SCHEMAS
from streams.changelogs import partitions_of, records_of
from streams.engine.inner import EFFECT, TIMER
from streams.engine.kafka import partition_of
from streams.outside import cipher_of, engine_config
from streams.scaling.homes import homes, payload_of
from tables.asking import Asking
from tables.caps import Caps
from tables.contacts import Contacts
from tables.devices import Devices
from tables.pending import Pending
from tables.preferences import Preferences
from tables.requests import Taken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.access.actor import Actor
    from connectors.postgres.database import Database
    from connectors.postgres.persons import Opener
    from streams.settings import Settings

STAGE: Final = "recipient"
PARTS: Final[Mapping[bytes, tuple[str, tuple[type[msgspec.Struct], ...]]]] = {
    b"\1": ("requests", (Taken,)),
    b"\2": ("contacts", (Contacts,)),
    b"\3": ("preferences", (Preferences,)),
    b"\4": ("pending", (Pending,)),
    b"\5": ("caps", (Caps,)),
    b"\6": ("devices", (Devices,)),
    b"\10": ("asking", (Asking,)),
    EFFECT: ("asked", (ContactsAsked,)),
    TIMER: ("waiting", (RequestDue, DevicesDue)),
}
"""Of the stage's rows, by the first byte of their keys: all that are kept under a user, a test compares."""
ELSEWHERE: Final = frozenset({b"\7"})
"""Whose a token is: kept under the token's hash, in any partition. It says of him what `devices` says."""


class PersonDesk:
    """A `Persons` of a running installation. One export at a time: it reads much."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._cipher = cipher_of(settings)
        self._turn = asyncio.Lock()

    async def note(self, action: str, user_id: str, actor: Actor) -> str:
        """Leave a line in the audit log under the person's keyed name, which is the answer."""
        person = person_named(self._cipher.digest(user_id.encode()))
        async with self._database.transaction() as connection:
            await log_change(connection, actor, Change(action, "person", person, None, None))
        return person

    async def known(self, user_id: str) -> dict[str, Any]:
        """Rows and tables, what was sealed in clear."""
        async with self._turn:
            rows = await rows_of(self._database, user_id, self._cipher)
            try:
                kept = await kept_of(self._settings, subject_key(user_id))
            except (KafkaError, OSError) as error:
                raise ConnectionError(repr(error)) from error
        tables = {name: [shown(value, self._cipher) for value in values] for name, values in kept.items()}
        return {"user_id": user_id, "rows": rows, "tables": tables}


async def kept_of(settings: Settings, user: bytes) -> dict[str, list[Any]]:
    """What the stage keeps of a user, by part; `user`: his key."""
    config = engine_config(settings)
    book = await learned_schemas(config.brokers)
    return by_part(await _rows_of(config.brokers, config.changelog(STAGE), user, book), book)


def by_part(raw: Mapping[bytes, bytes], book: SchemaBook) -> dict[str, list[Any]]:
    """Rows as they stand in a changelog, read."""
    found: dict[str, list[Any]] = {name: [] for name, _ in PARTS.values()}
    for key, value in sorted(raw.items()):
        name, kinds = PARTS[key[:1]]
        found[name].append(Decoder(*kinds, book=book)(payload_of(key, value)))
    return found


async def learned_schemas(brokers: Brokers) -> SchemaBook:
    """Schemas of all writers there have been; what is none is passed over, as workers do."""
    book = SchemaBook()

    def take(_key: bytes, text: bytes | None) -> None:
        with suppress(ValueError):
            book.learn(text or b"")

    await read_whole(brokers, SCHEMAS, take)
    return book


async def _rows_of(brokers: Brokers, changelog: str, user: bytes, book: SchemaBook) -> dict[bytes, bytes]:
    """The last value of each of his rows, up to the log's end of the moment."""
    home, found = homes(STAGE, book), dict[bytes, bytes]()
    count = await partitions_of(brokers, changelog)
    if not count:
        return found
    async for key, value in records_of(brokers, changelog, partition_of(user, count)):
        if value is None:
            found.pop(key, None)
        elif key[:1] in PARTS and home(key, value) == user:
            found[key] = value
    return found


def shown(value: Any, cipher: Opener) -> Any:
    """A value as JSON may have it; what is sealed is shown in clear."""
    if isinstance(value, msgspec.Struct):
        return {name: shown(getattr(value, name), cipher) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {name: shown(each, cipher) for name, each in value.items()}
    if isinstance(value, list):
        return [shown(each, cipher) for each in value]
    if not isinstance(value, bytes):
        return value
    return value.decode() if value.startswith(b"{") else opened(value, cipher)


async def ask_erasure(brokers: Brokers, user_id: str, names: list[dict[str, str]], now: int) -> None:
    """Write the event of the deletion; every in-sync replica has it when it returns."""
    await _tell(brokers, user_id, "user.deleted", {"known_as": names, "is_demanded": True}, now)


async def confirm_address(brokers: Brokers, user_id: str, channel: str, now: int) -> None:
    """Write the event that his address of a channel takes messages again; as durable."""
    await _tell(brokers, user_id, "user.updated", {"confirmed": [channel]}, now)


async def _tell(brokers: Brokers, user_id: str, event_type: str, data: dict[str, Any], now: int) -> None:
    event = {"event_type": event_type, "user_id": user_id, "data": data}
    headers = (("occurred_at", rfc3339(now).encode()), ("source", b"carillon"))
    async with writing(brokers) as write:
        raw = msgspec.json.encode(event)
        await write(PREFERENCE_CHANGES, raw, key=subject_key(user_id), headers=headers)
