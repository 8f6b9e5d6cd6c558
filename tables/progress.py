"""Table `progress`: how far each message has come.

key     message id (utf-8)
value   `Progress`
writer  agents/settle.py

The state is a join: facts by status, of which the highest rank is the message's status. Facts in any order,
any number of times, end in the same state (NS-SND-OP-06, NS-SND-OP-07). What statistics count is a function
of that state, so whatever changes it changes the sums by a difference (NS-STAT-OP-01).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from schemas.records import MessageQueued, MessageRow
from schemas.words import RANK, Status

KEEP_MS = 35 * 86_400_000  # a webhook may speak weeks later (NS-STAT-OP-02); rows stay in Postgres
CHAIN = (Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED)
LATEST = frozenset({Status.PENDING, Status.UNKNOWN})  # of these the last fact tells most, of others the first
LATE = "late"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that became known about a message. Times in ms; `attempt` 0: none was begun."""

    event_id: str
    status: str
    at: int
    late_at: int | None = None  # when it arrived, if too late for the window of `at`
    attempt: int = 0
    reason: str | None = None
    detail: str | None = None
    provider: str | None = None
    provider_message_id: str | None = None


class Cell(NamedTuple):
    """Where one count of a message stands: metric, event time (ms), provider."""

    metric: str
    at: int
    provider: str | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `queued` is its row part; a stub while only attempts are known (`is_complete` false)."""

    queued: MessageQueued
    is_complete: bool
    facts: dict[str, Fact] = {}  # status → the fact that stands for it
    attempts: int = 0
    known: list[bytes] = []  # sorted digests of every event id taken in

    @property
    def version(self) -> int:
        """Grows with each fact; the same for the same facts in any order."""
        return len(self.known)

    @property
    def status(self) -> Status:
        """The highest-ranked status known; `pending` before any."""
        return max(map(Status, self.facts), key=lambda s: (RANK[s], s), default=Status.PENDING)

    def knows(self, event_id: str) -> bool:
        """Whether this very fact was taken in before."""
        return _digest(event_id) in self.known

    def complete(self, queued: MessageQueued) -> Progress:
        """With the real row part in place of the stub."""
        return replace(self, queued=queued, is_complete=True)

    def merge(self, fact: Fact) -> Progress:
        """With `fact` taken in; the same object if it was known."""
        if self.knows(fact.event_id):
            return self
        standing = self.facts.get(fact.status)
        return replace(
            self,
            facts={**self.facts, fact.status: fact if standing is None else _stronger(standing, fact)},
            attempts=max(self.attempts, fact.attempt),
            known=sorted([*self.known, _digest(fact.event_id)]),
        )

    def counts(self) -> dict[str, Cell]:
        """Status → where it counts.

        A later status of the chain counts the missing ones below it, a hidden answer for ever. `failed`
        and the ends of a message that was never sent count only while they are its status.
        """
        cells: dict[str, Cell] = {}
        source: Fact | None = None
        for status in reversed(CHAIN):
            source = self.facts.get(status, source)
            if source is not None:
                cells[status] = _cell(status, source)
        for status in {Status.UNKNOWN, self.status} - {Status.PENDING}:
            if status in self.facts:
                cells[status] = _cell(status, self.facts[status])
        return cells

    def row(self) -> MessageRow:
        """Snapshot for Postgres; the row part is blank while it is not known."""
        status, queued = self.status, self.queued
        leading = self.facts.get(status)
        named = next((f for f in self._downwards() if f.provider_message_id), leading)
        return MessageRow(
            version=self.version,
            status=status,
            updated_at=leading.at if leading else queued.created_at,
            attempts=self.attempts,
            reason=leading.reason if leading else None,
            detail=leading.detail if leading else None,
            provider=named.provider if named else None,
            provider_message_id=named.provider_message_id if named else None,
            sent_at=self._at(Status.SENT),
            delivered_at=self._at(Status.DELIVERED),
            opened_at=self._at(Status.OPENED),
            clicked_at=self._at(Status.CLICKED),
            **{name: getattr(queued, name) for name in COPIED},
        )

    def _at(self, status: Status) -> int | None:
        fact = self.facts.get(status)
        return fact.at if fact else None

    def _downwards(self) -> list[Fact]:
        return sorted(self.facts.values(), key=lambda f: (-RANK[Status(f.status)], f.status))


COPIED = tuple(
    name
    for name in MessageRow.__struct_fields__
    if name in MessageQueued.__struct_fields__ and name not in {"status", "reason", "detail"}
)


def _stronger(one: Fact, two: Fact) -> Fact:
    choose = max if one.status in LATEST else min
    return choose(one, two, key=lambda fact: (fact.at, fact.event_id))


def _cell(status: Status, source: Fact) -> Cell:
    if source.late_at is not None:
        return Cell(LATE, source.late_at, source.provider)
    return Cell(status, source.at, source.provider)


def _digest(event_id: str) -> bytes:
    return blake2b(event_id.encode(), digest_size=8).digest()
