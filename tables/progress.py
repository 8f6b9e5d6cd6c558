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
from schemas.words import RANK, Reason, Status

KEEP_MS = 35 * 86_400_000  # a webhook may speak weeks later (NS-STAT-OP-02); rows stay in Postgres
CHAIN = (Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED)
LATEST = frozenset({Status.PENDING, Status.UNKNOWN})  # of these the last fact tells most, of others the first
FINAL = frozenset({Reason.HELD, Reason.NOT_REPEATED})  # reasons after which no attempt follows
ORDER: dict[str, tuple[int, Status]] = {status: (RANK[status], status) for status in Status}
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
        return max(map(ORDER.__getitem__, self.facts))[1] if self.facts else Status.PENDING

    def knows(self, event_id: str) -> bool:
        """Whether this very fact was taken in before."""
        return _digest(event_id) in self.known

    def complete(self, queued: MessageQueued) -> Progress:
        """With the real row part in place of the stub."""
        return replace(self, queued=queued, is_complete=True)

    def merge(self, fact: Fact) -> Progress:
        """With `fact` taken in; the same object if it was known."""
        digest = _digest(fact.event_id)
        if digest in self.known:
            return self
        standing = self.facts.get(fact.status)
        return replace(
            self,
            facts={**self.facts, fact.status: fact if standing is None else _stronger(standing, fact)},
            attempts=max(self.attempts, fact.attempt),
            known=sorted([*self.known, digest]),
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
        for status in (Status.UNKNOWN, self.status):
            if status is not Status.PENDING and status in self.facts:
                cells[status] = _cell(status, self.facts[status])
        return cells

    def row(self) -> MessageRow:
        """Snapshot for Postgres; the row part is blank while it is not known."""
        status, queued = self.status, self.queued
        leading = self.facts.get(status)
        named = self._named() or leading
        return MessageRow(
            message_id=queued.message_id,
            request_id=queued.request_id,
            user_id=queued.user_id,
            channel=queued.channel,
            lane=queued.lane,
            notification_type=queued.notification_type,
            category=queued.category,
            source=queued.source,
            idempotency_key=queued.idempotency_key,
            recipient=queued.recipient,
            payload=queued.payload,
            created_at=queued.created_at,
            expires_at=queued.expires_at,
            language=queued.language,
            template=queued.template,
            template_version=queued.template_version,
            segments=queued.segments,
            scheduled_at=queued.scheduled_at,
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
        )

    def _at(self, status: Status) -> int | None:
        fact = self.facts.get(status)
        return fact.at if fact else None

    def _named(self) -> Fact | None:
        """Of the facts that know the provider's id the one of highest rank."""
        found = [fact for fact in self.facts.values() if fact.provider_message_id]
        return min(found, key=lambda fact: (-RANK[Status(fact.status)], fact.status)) if found else None


def _stronger(one: Fact, two: Fact) -> Fact:
    if one.status in LATEST:  # attempts are in order even where the clocks of two workers are not
        return max(one, two, key=lambda fact: (fact.attempt, fact.reason in FINAL, fact.at, fact.event_id))
    return min(one, two, key=lambda fact: (fact.at, fact.event_id))


def _cell(status: Status, source: Fact) -> Cell:
    if source.late_at is not None:
        return Cell(LATE, source.late_at, source.provider)
    return Cell(status, source.at, source.provider)


def _digest(event_id: str) -> bytes:
    return blake2b(event_id.encode(), digest_size=8).digest()
