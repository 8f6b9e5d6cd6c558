"""Kafka's side of mailboxes in an HTTP process: a copy of their tables, read as it is written.

Every process that serves mailboxes follows the changelog of the stage `mailbox` whole, so a user may connect
to any of them (NS-CH-OP-10), and what was missed and what is new come out of one log: there is no gap.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import structlog

from connectors.clock import now_ms
from connectors.http.mailbox.clients import Clients
from connectors.http.mailbox.ports import Item, Letter, Limits, MailboxPorts, NotCaughtUpError
from connectors.mailbox_metrics import MailboxMetrics
from schemas.codec import Decoder, SchemaBook
from schemas.errors import UnknownSchemaError, UnopenedError
from schemas.ids import SUBJECT, subject_key
from schemas.records import Content, SendTask
from streams.copies import TablesCopy
from streams.engine.api import NotYet
from streams.mailbox import LETTERS, MAILBOX, MAILBOXES
from streams.outside import cipher_of, engine_config
from tables.mailbox import Kept, Mailbox, letter_key, owner_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from prometheus_client import CollectorRegistry

    from agents.ports import Cipher
    from streams.settings import Settings

    class Rows(Protocol):
        """Tables of the stage. Raises `NotYet` while rows are not there yet."""

        def row(self, kafka_key: bytes, table: int, key: bytes, /) -> bytes | None: ...
        def lag_ms(self) -> int | None: ...


log = structlog.get_logger("mailboxes")
CACHE_BYTES, WRITE_BYTES = 16 << 20, 16 << 20
"""Of the copy: rows of users who are connected are few, and read again and again."""
STALE_MS = 60_000
"""A copy that heard nothing for so long lets nobody in: another process may know more."""
OWNED = f"{SUBJECT}:".encode()


class MailboxesRead:
    """The `Mailboxes` port."""

    def __init__(self, rows: Rows, book: SchemaBook, cipher: Cipher, now_ms: Callable[[], int]) -> None:
        """`book`: schemas of earlier and later versions of the rows."""
        self._rows = rows
        self._mailbox = Decoder(Mailbox, book=book)
        self._task = Decoder(SendTask, book=book)
        self._content = msgspec.json.Decoder(Content)
        self._cipher = cipher
        self._now_ms = now_ms

    def of(self, user_id: str) -> list[Item]:
        """What the user has, by number; what has ended is gone, whoever has noticed."""
        key, now = subject_key(user_id), self._now_ms()
        raw = self._row(key, MAILBOXES, key)
        if raw is None:
            return []
        try:
            found: Mailbox = self._mailbox(raw)
        except UnknownSchemaError as error:
            raise NotCaughtUpError(str(error)) from None
        return [_item(one) for one in found.kept if one.ends_at > now]

    def letter(self, user_id: str, message_id: str) -> Letter | None:
        """What it says."""
        raw = self._row(subject_key(user_id), LETTERS, letter_key(user_id, message_id))
        if raw is None:  # it is written with its mailbox, and may be read a moment later
            raise NotCaughtUpError(message_id)
        try:
            task: SendTask = self._task(raw)
            content = self._content.decode(self._cipher.open(task.content))
        except UnknownSchemaError as error:
            raise NotCaughtUpError(str(error)) from None
        except UnopenedError:
            return None
        return Letter(task.notification_type, task.category, task.request_id, task.created_at, content)

    async def reachable(self) -> str | None:
        """None when mailboxes are served."""
        return self.reason()

    def reason(self) -> str | None:
        """Why nobody is let in now."""
        lag = self._rows.lag_ms()
        if lag is None:
            return "mailboxes are being read"
        return f"nothing was heard of mailboxes for {lag} ms" if lag > STALE_MS else None

    def _row(self, kafka_key: bytes, table: int, key: bytes) -> bytes | None:
        try:
            return self._rows.row(kafka_key, table, key)
        except NotYet as error:
            raise NotCaughtUpError(str(error)) from None


class MailboxFeed:
    """The copy, and the clients who are woken by it."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        """Nothing is connected before `connect`."""
        config, own = engine_config(settings), settings.mailbox
        self.clients = Clients(own.connections, own.per_user)
        copied = replace(config, store_cache_bytes=CACHE_BYTES, store_write_bytes=WRITE_BYTES)
        self._copy = TablesCopy(copied, MAILBOX, (MAILBOXES, LETTERS), now_ms)
        self._copy.rows.heard = lambda keys: self.clients.wake(users_in(keys))
        self.mailboxes = MailboxesRead(self._copy.rows, self._copy.book, cipher_of(settings), now_ms)
        self._limits = Limits(ping_s=own.ping_s, send_s=own.send_s, look_s=own.ping_s)

    def ports(self, registry: CollectorRegistry) -> MailboxPorts:
        """What the routes are served by."""
        figures = MailboxMetrics(registry, lambda: self.clients.count, self._copy.rows.lag_ms)
        return MailboxPorts(self.mailboxes, self.clients, self._limits, figures)

    async def connect(self) -> None:
        """Begin to follow, once Kafka is there."""
        await self._copy.connect()

    async def stop(self) -> None:
        """Close the copy."""
        await self._copy.stop()


def mailboxes_of(settings: Settings) -> MailboxFeed | None:
    """Messages in the app, unless this process does not serve them."""
    return None if settings.mailbox.gateway == "off" else MailboxFeed(settings, now_ms)


def users_in(row_keys: Iterable[bytes]) -> set[str]:
    """Whose mailboxes and letters these rows are."""
    owners = {owner_in(key[1:]) if key[0] == LETTERS else key[1:] for key in row_keys}
    return {one.removeprefix(OWNED).decode() for one in owners}


def _item(one: Kept) -> Item:
    return Item(
        one.message_id,
        one.number,
        is_delivered=one.delivered_at > 0,
        is_seen=one.seen_at > 0,
        is_read=one.read_at > 0,
        is_archived=one.archived_at > 0,
    )
