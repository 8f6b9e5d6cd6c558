"""Table `waits`: requests whose messages nobody has seen yet, and a reserve channel follows (SEEN-OP-01).

key     `key_of(record)`: digest of the request's whole identity
value   `Wait`
writer  agents/watch.py

A row is there from the messages' start until one of them was seen, or until the question whether one was has
come back. While it is there and not asked, one timer is set, for `due_at`.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from schemas.records import FallbackPlanned
from schemas.words import Status

if TYPE_CHECKING:
    from schemas.records import AttemptEnded, MessageQueued, RequestReceived

REACHED = frozenset({Status.DELIVERED, Status.OPENED, Status.CLICKED})
LOST = frozenset({Status.FAILED, Status.EXPIRED, Status.CANCELLED, Status.SKIPPED})
"""Of a message that nobody will see."""
KEEP_MS = 7 * 86_400_000  # as long as topics keep the question; by then it was buried


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one request that nobody has seen yet. Times in ms.

    `failed`: ids of messages that nobody will see; `is_asked`: the time is over, the question under way.
    """

    plan: FallbackPlanned
    due_at: int
    is_sent: bool = False
    failed: list[str] = []
    is_asked: bool = False

    @classmethod
    def of(cls, plan: FallbackPlanned) -> Wait:
        """As planned: until something is sent, time runs from the plan on."""
        return cls(plan=plan, due_at=plan.planned_at + plan.after_ms)

    @property
    def ends_at(self) -> int:
        """When the row ends by itself; nothing of it can be sent by then."""
        return max(self.plan.expires_at, self.due_at) + KEEP_MS

    def learn(self, message_id: str, status: Status, sent_at: int | None, now: int) -> Wait | None:
        """With a message's state taken in; None when it was seen: there is nothing to wait for.

        Time runs anew from the first sending. When nobody will see any of the messages, it is over.
        """
        if message_id not in self.plan.message_ids:
            return self
        if status in REACHED:
            return None
        if self.is_asked:
            return self
        if status in LOST and message_id not in self.failed:
            failed = sorted([*self.failed, message_id])
            is_over = set(failed) == set(self.plan.message_ids)
            return replace(self, failed=failed, due_at=min(now, self.due_at) if is_over else self.due_at)
        if sent_at is not None and not self.is_sent:
            return replace(self, is_sent=True, due_at=sent_at + self.plan.after_ms)
        return self

    def held(self, until: int) -> Wait:
        """No channel is used before `until` (ms). What is not sent waits, too, and then has its time."""
        waits = not self.is_sent and set(self.failed) != set(self.plan.message_ids)
        return replace(self, due_at=until + (self.plan.after_ms if waits else 0))

    def asked(self) -> Wait:
        """The time is over."""
        return replace(self, is_asked=True)


def key_of(record: RequestReceived | MessageQueued | AttemptEnded) -> bytes:
    """The request that a record is, or belongs to; the same parts as in the id of a message."""
    parts = (record.request_id, record.source, record.user_id, record.idempotency_key)
    return blake2b(msgspec.json.encode(parts), digest_size=16).digest()
