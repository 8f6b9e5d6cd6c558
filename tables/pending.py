"""Table `pending`: what a cancel can still reach, by the request's id.

key     `key_of(user_id, source, request_id)`
value   `Pending`
writer  agents/recipient.py

A row is there while a request waits, and once a cancel came: a cancel travels on another topic than its
request and may be the first of the two.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from schemas.ids import subject_key
from schemas.records import RequestDecided
from schemas.records.reference import LONGEST_TTL_S
from schemas.words import Outcome

WRONG_CLOCK_MS = 600_000
"""As far as clocks of producers are believed to be off."""
NOTED_MS = (LONGEST_TTL_S + 86_400) * 1000
"""How long a cancel is remembered of which nothing waits: longer than a record stays in a topic, and than a
further channel may follow (`fallback_after_s`)."""


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of a request by its id. Time in ms."""

    waiting: list[RequestDecided] = []  # rows of requests that wait: more than one where an id is used again
    cancelled_at: int | None = None

    @property
    def waits(self) -> bool:
        """A cancel ends it."""
        return bool(self.waiting) and self.cancelled_at is None

    @property
    def is_open(self) -> bool:
        """A timer is to come for a row; what an erasure ended has none."""
        return any(row.outcome == Outcome.WAITING for row in self.waiting)

    def with_waiting(self, row: RequestDecided) -> Pending:
        """One more waits, or the same one again."""
        return replace(self, waiting=[*self.without(row.origin).waiting, row])

    def without(self, origin: str) -> Pending:
        """The request that came from there waits no longer."""
        return replace(self, waiting=[row for row in self.waiting if row.origin != origin])

    def forbids(self, occurred_at: int) -> bool:
        """Whether there is a cancel of a request of that time; clocks may be wrong, and ids used again."""
        return self.cancelled_at is not None and occurred_at <= self.cancelled_at + WRONG_CLOCK_MS

    def cancelled(self, at: int) -> Pending:
        """Taken back; the first cancel stands."""
        return self if self.cancelled_at is not None else replace(self, cancelled_at=at)


def key_of(user_id: str, source: str, request_id: str) -> bytes:
    """A request by its id and its source: nobody reaches what another service asked for."""
    named = f"{source}\0{request_id}".encode()
    return subject_key(user_id) + b"/" + blake2b(named, digest_size=16).digest()
