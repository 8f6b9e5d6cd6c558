"""Why was it sent, why not, why late: everything known about one request or message, from indexed rows.

`Archive.why` takes what a person has at hand: a message id, a request id, an idempotency key, or the id
that a provider gave. It only finds; how it is told is the command line's.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from connectors.postgres.named import named_queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from connectors.postgres.database import Connection, Database

    Row = Mapping[str, Any]

LIMIT = 100
LOG_LIMIT = 1000
REPEATED = "repeated"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RequestFound:
    """One record that came in and how it ended. `rule` and `value` decided it. Times in ms."""

    request_id: str
    source: str
    idempotency_key: str
    user_id: str
    notification_type: str
    lane: str | None
    received_at: int
    decided_at: int
    outcome: str
    reason: str | None
    rule: str | None
    value: str | None
    origin: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusFound:
    """One line of a message's log. Times in ms."""

    event_id: str
    status: str
    at: int
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MessageFound:
    """One message, its row and its log. `recipient` is sealed; times in ms."""

    message_id: str
    request_id: str
    user_id: str
    channel: str
    lane: str
    notification_type: str
    status: str
    reason: str | None
    details: str | None
    recipient: bytes
    template: str | None
    template_version: int | None
    language: str | None
    provider: str | None
    provider_message_id: str | None
    attempts: int
    created_at: int
    scheduled_at: int | None
    expires_at: int | None
    sent_at: int | None
    delivered_at: int | None
    updated_at: int | None
    segments: int | None
    cost: Decimal | None
    log: tuple[StatusFound, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that belongs to what was asked for; both empty when nothing is known."""

    asked: str
    requests: tuple[RequestFound, ...]
    messages: tuple[MessageFound, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing is known: never received, not yet written, or beyond the time rows are kept."""
        return not self.requests and not self.messages


class Archive:
    """Reads what the sink wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = named_queries("why")

    async def why(self, asked: str, *, is_key: bool = False) -> Explanation:
        """Find by id, then by key, with `is_key` by key alone. A repeat brings its first request along."""
        async with self._database.connection() as connection:
            request_ids = [] if is_key else await self._by_id(connection, as_uuid(asked))
            if not request_ids:
                request_ids = await self._by_key(connection, asked)
            if not request_ids and not is_key:
                request_ids = await self._by_provider(connection, asked)
            if not request_ids:
                return Explanation(asked, (), ())
            return await self._explain(connection, asked, request_ids)

    async def by_id(self, asked: UUID) -> Explanation:
        """Find by the id of a message or of a request, and by nothing else."""
        async with self._database.connection() as connection:
            request_ids = await self._by_id(connection, asked)
            if not request_ids:
                return Explanation(str(asked), (), ())
            return await self._explain(connection, str(asked), request_ids)

    async def _by_id(self, connection: Connection, uuid: UUID | None) -> list[UUID]:
        if uuid is None:
            return []
        messages = await connection.fetch(self._query["messages_by_id"], uuid, LIMIT)
        if messages:
            return [row["request_id"] for row in messages]
        requests = await connection.fetch(self._query["requests_by_id"], [uuid], 1)
        messages = requests or await connection.fetch(self._query["messages_by_request"], [uuid], 1)
        return [uuid] if messages else []

    async def _by_key(self, connection: Connection, asked: str) -> list[UUID]:
        rows = await connection.fetch(self._query["requests_by_key"], asked, LIMIT)
        return [row["request_id"] for row in rows]

    async def _by_provider(self, connection: Connection, asked: str) -> list[UUID]:
        rows = await connection.fetch(self._query["messages_by_provider_id"], asked, LIMIT)
        return [row["request_id"] for row in rows]

    async def _explain(self, connection: Connection, asked: str, request_ids: Sequence[UUID]) -> Explanation:
        ids = sorted(set(request_ids))
        requests = await connection.fetch(self._query["requests_by_id"], ids, LIMIT)
        firsts = {first for row in requests if (first := first_of(row)) is not None} - set(ids)
        if firsts:
            ids = sorted({*ids, *firsts})
            requests = await connection.fetch(self._query["requests_by_id"], ids, LIMIT)
        messages = await connection.fetch(self._query["messages_by_request"], ids, LIMIT)
        log = await self._log(connection, [row["id"] for row in messages])
        return Explanation(
            asked,
            tuple(_request(row) for row in requests),
            tuple(_message(row, log.get(row["id"], [])) for row in messages),
        )

    async def _log(self, connection: Connection, ids: Sequence[int]) -> dict[int, list[StatusFound]]:
        log: dict[int, list[StatusFound]] = {}
        for row in await connection.fetch(self._query["log_of_messages"], ids, LOG_LIMIT):
            log.setdefault(row["message_id"], []).append(_status(row))
        return log


def as_uuid(text: str) -> UUID | None:
    """Read a UUID in any of its forms; None for another text."""
    try:
        return UUID(text)
    except ValueError:
        return None


def first_of(row: Row) -> UUID | None:
    """Tell which request a repeat repeats; `value` names it."""
    return as_uuid(row["value"] or "") if row["outcome"] == REPEATED else None


def _request(row: Row) -> RequestFound:
    return RequestFound(
        request_id=str(row["request_id"]),
        source=row["source"],
        idempotency_key=row["idempotency_key"],
        user_id=str(row["user_id"]),
        notification_type=row["notification_type"],
        lane=row["priority"],
        received_at=_required(row["received_at"]),
        decided_at=_required(row["decided_at"]),
        outcome=row["outcome"],
        reason=row["reason"],
        rule=row["rule"],
        value=row["value"],
        origin=row["origin"],
        channels=tuple(row["channels"]),
    )


def _message(row: Row, log: Sequence[StatusFound]) -> MessageFound:
    return MessageFound(
        message_id=str(row["message_uuid"]),
        request_id=str(row["request_id"]),
        user_id=str(row["user_id"]),
        channel=row["channel_type"],
        lane=row["priority"],
        notification_type=row["notification_type"],
        status=row["status"],
        reason=row["status_reason"],
        details=row["status_details"],
        recipient=b64decode(row["recipient"]),
        template=row["template_name"],
        template_version=row["template_version"],
        language=row["language_code"],
        provider=row["provider_name"],
        provider_message_id=row["provider_message_id"],
        attempts=row["attempts"],
        created_at=_required(row["created_at"]),
        scheduled_at=_ms(row["scheduled_at"]),
        expires_at=_ms(row["expires_at"]),
        sent_at=_ms(row["sent_at"]),
        delivered_at=_ms(row["delivered_at"]),
        updated_at=_ms(row["last_status_update_at"]),
        segments=row["segments"],
        cost=row["cost"],
        log=tuple(log),
    )


def _status(row: Row) -> StatusFound:
    details = msgspec.json.decode(row["details"] or "{}", type=dict[str, Any])
    return StatusFound(str(row["event_id"]), row["status"], _required(row["timestamp"]), details)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else _required(at)


def _required(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
