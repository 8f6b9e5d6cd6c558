"""Templates as one transaction of Postgres has them. Fulfils `connectors.templates.shelf.Rows`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from connectors.postgres.named import named_queries
from connectors.postgres.noting import Written, note_change
from connectors.reference.wire import key_of
from connectors.templates.shelf import Stored
from schemas.records import Template

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from connectors.access.actor import Actor
    from connectors.postgres.database import Connection, Database
    from connectors.templates.shelf import Change

    Row = Mapping[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Wanted(NamedTuple):
    """Which templates to list. `behind`: name, channel and language of the last one seen; else skip some."""

    channel: str | None = None
    language: str | None = None
    name: str | None = None
    behind: tuple[str, str, str] | None = None
    skip: int = 0
    limit: int = 20


class Version(NamedTuple):
    """One version of a template, its text and who wrote it when (ms)."""

    template: Template
    created_at: int
    author: str | None


class TemplateRows:
    """Reads, and under `lock_writers` writes, over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._query = named_queries("templates")
        self._reference = named_queries("reference")

    async def by_id(self, template_id: str) -> Stored | None:
        return await self._one("by_id", template_id)

    async def by_name(self, name: str, channel: str, language: str) -> Stored | None:
        return await self._one("by_name", name, channel, language)

    async def by_request(self, request_key: str) -> Stored | None:
        return await self._one("by_request", request_key)

    async def parts(self, channel: str) -> list[Template]:
        return [_template(row) for row in await self._connection.fetch(self._query["parts"], channel)]

    async def using(self, part: str, channel: str) -> list[Stored]:
        return [_stored(row) for row in await self._connection.fetch(self._query["using"], part, channel)]

    async def types_of(self, name: str) -> list[str]:
        return [row["code"] for row in await self._connection.fetch(self._query["types_of"], name)]

    async def categories_of(self, name: str) -> set[str]:
        return {row["category"] for row in await self._connection.fetch(self._query["categories_of"], name)}

    async def languages_of(self, name: str, channel: str) -> list[str]:
        rows = await self._connection.fetch(self._query["languages_of"], name, channel)
        return [row["language_code"] for row in rows]

    async def text(self, template_id: str, version: int) -> Template | None:
        row = await self._connection.fetchrow(self._query["text"], template_id, version)
        return None if row is None else _template(row)

    async def write(self, template: Template, change: Change) -> Stored:
        named = (template.name, template.channel_type, template.language_code)
        columns = (*named, *template_columns(template))
        version = await self._connection.fetchval(self._reference["upsert_template"], *columns)
        stored = await self.by_name(*named)
        assert stored is not None
        if version is not None:
            written = msgspec.json.encode(replace(template, version=version)).decode()
            await note_change(self._connection, Written(key_of(template), version, written), change.actor)
            signed = (stored.template_id, version, change.author, change.request_key)
            await self._connection.execute(self._query["sign"], *signed)
        if change.is_filed:
            await self.known_to_files(stored)
            stored = stored._replace(filed_version=stored.template.version)
        return stored

    async def known_to_files(self, stored: Stored) -> None:
        if not stored.is_filed:
            await self._connection.execute(self._query["file"], stored.template_id, stored.template.version)

    async def remove(self, stored: Stored, actor: Actor) -> None:
        template = stored.template
        named = (template.name, template.channel_type, template.language_code)
        version = await self._connection.fetchval(self._reference["remove_template"], *named)
        await note_change(self._connection, Written(key_of(template), version, None), actor)

    async def page(self, wanted: Wanted) -> tuple[list[Stored], int]:
        """Some of the templates, and how many there are."""
        which = (wanted.channel, wanted.language, wanted.name)
        place = wanted.behind or (None, None, None)
        rows = await self._connection.fetch(self._query["page"], *which, *place, wanted.skip, wanted.limit)
        return [_stored(row) for row in rows], await self._connection.fetchval(self._query["count"], *which)

    async def versions(self, template_id: str, below: int | None, limit: int) -> list[Version]:
        """Versions of a template, the newest first."""
        rows = await self._connection.fetch(self._query["versions"], template_id, below, limit)
        return [Version(_template(row), _ms(row["created_at"]), row["author"]) for row in rows]

    async def data_of(self, message_id: str, name: str) -> dict[str, Any] | None:
        """What a message of the template of this name was rendered with, secrets masked."""
        payload = await self._connection.fetchval(self._query["data_of"], message_id, name)
        return None if payload is None else msgspec.json.decode(payload, type=dict[str, Any])

    async def _one(self, query: str, *arguments: str) -> Stored | None:
        row = await self._connection.fetchrow(self._query[query], *arguments)
        return None if row is None else _stored(row)


@asynccontextmanager
async def template_rows(database: Database, *, writes: bool) -> AsyncIterator[TemplateRows]:
    """Rows for the length of a block; of writers there is one at a time, `carillon apply` included."""
    if not writes:
        async with database.connection() as connection:
            yield TemplateRows(connection)
        return
    async with database.transaction() as connection:
        await connection.execute(named_queries("reference")["lock_writers"])
        yield TemplateRows(connection)


def template_columns(template: Template) -> tuple[str | None, ...]:
    """Columns of the content, in the order of `upsert_template`."""
    texts = (template.subject, template.title, template.body, template.body_text)
    described = msgspec.json.encode(template.variables).decode()
    return (*texts, described, template.category, msgspec.json.encode(template.parts).decode())


def _stored(row: Row) -> Stored:
    updated = row["updated_at"]
    return Stored(
        str(row["id"]),
        _template(row),
        _ms(row["created_at"]),
        None if updated is None else _ms(updated),
        row["filed_version"],
    )


def _template(row: Row) -> Template:
    return Template(
        name=row["name"],
        channel_type=row["channel_type"],
        language_code=row["language_code"],
        body=row["body"],
        subject=row["subject"],
        title=row["title"],
        body_text=row["body_text"],
        category=row["category"],
        variables=msgspec.json.decode(row["variables"] or "{}"),
        version=row["version"],
        parts=msgspec.json.decode(row["parts"]),
    )


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
