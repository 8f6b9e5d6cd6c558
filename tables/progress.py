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

from schemas.ids import NOBODY
from schemas.records import MessageQueued, MessageRow
from schemas.statistics import COST, PRICED
from schemas.words import RANK, Status
from tables.standing import FINAL, Fact, blanked, heard, joined, strength, stronger

KEEP_MS = 35 * 86_400_000  # a webhook may speak weeks later (NS-STAT-OP-02); rows stay in Postgres
CHAIN = (Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED)
SEEN = frozenset({Status.OPENED, Status.CLICKED})
ENDS = (Status.UNKNOWN, Status.SKIPPED, Status.EXPIRED, Status.CANCELLED, Status.FAILED)
_encode = msgspec.json.Encoder().encode
ORDER: dict[str, tuple[int, Status]] = {status: (RANK[status], status) for status in Status}
LATE = "late"
LATE_MS = 7 * 86_400_000
"""A bucket is final so long after its time: no fact corrects it any more (NS-STAT-OP-02)."""


class Cell(NamedTuple):
    """Where one count of a message stands: metric, event time (ms), provider, and what it adds."""

    metric: str
    at: int
    provider: str | None
    amount: int = 1


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `queued` is its row part; a stub while only attempts are known (`is_complete` false)."""

    queued: MessageQueued
    is_complete: bool
    facts: dict[str, Fact] = {}  # status → the fact that stands for it
    attempts: int = 0
    known: list[bytes] = []  # sorted digests of every event id taken in
    is_erased: bool = False  # its user was deleted: nothing tells whose it was, but where its row lives
    undelivered: dict[str, Fact] = {}  # provider → its report that what it took did not arrive

    @property
    def version(self) -> int:
        """Grows with each fact; the same for the same facts in any order."""
        return len(self.known)

    @property
    def status(self) -> Status:
        """The highest-ranked status known; `pending` before any."""
        return max(map(ORDER.__getitem__, self.standing), default=ORDER[Status.PENDING])[1]

    @property
    def standing(self) -> dict[str, Fact]:
        """Status → the fact that stands for it, with the failure that the one reports who took the message.

        What others report, who were called before, is no failure of it. A pure function of what is known, so
        that it does not matter whether the report or the sending is heard first.
        """
        report, own = self._reported(), self.facts.get(Status.FAILED)
        if report is None:
            return self.facts
        return {**self.facts, Status.FAILED: report if own is None else stronger(own, report)}

    @property
    def told_at(self) -> int:
        """When the last of its statuses was first heard, but for those that are made by looking at it."""
        told = (fact for status, fact in self.facts.items() if status not in SEEN)
        return max(map(heard, (*told, *self.undelivered.values())), default=self.queued.created_at)

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
        facts, undelivered = self.facts, self.undelivered
        if fact.is_report:
            undelivered = joined(undelivered, str(fact.provider), fact)
        else:
            facts = joined(facts, fact.status, fact)
        return replace(
            self,
            facts=facts,
            undelivered=undelivered,
            attempts=max(self.attempts, fact.attempt),
            known=sorted([*self.known, digest]),
        )

    def erase(self) -> Progress:
        """Without anything personal; what statistics count of it stays."""
        queued = replace(self.queued, recipient=b"", payload=b"{}", idempotency_key="", detail=None)
        facts, undelivered = blanked(self.facts), blanked(self.undelivered)
        return replace(self, queued=queued, facts=facts, undelivered=undelivered, is_erased=True)

    def counts(self) -> dict[str, Cell]:
        """Status → where it counts; and what it cost, if that is known.

        A later status of the chain counts the missing ones below it: what was opened was delivered by then.
        A hidden answer counts for ever. `failed` and the ends of a message that was never sent count until
        something higher is heard, and stay once their bucket is final. What came late counts as late only.
        """
        cells: dict[str, Cell] = {}
        source: Fact | None = None
        for status in reversed(CHAIN):
            own = self.facts.get(status)
            if own is not None and own.late_at is None:
                source = own if source is None else min(source, own, key=strength)
            if source is not None:
                cells[status] = Cell(status, source.at, source.provider)
            elif own is not None:
                cells[status] = _cell(own)
        standing = self.standing
        for status in ENDS:
            end = standing.get(status)
            if end is not None and (status is Status.UNKNOWN or not self._is_corrected(end)):
                cells[status] = _cell(end)
        return cells | self._costs()

    def _costs(self) -> dict[str, Cell]:
        """What it cost, in the hour of its sending; of what was told late in that of its telling."""
        sent = self.facts.get(Status.SENT)
        if sent is None or sent.cost is None:
            return {}
        at = sent.late_at or sent.at
        return {
            PRICED: Cell(PRICED, at, sent.provider),
            COST: Cell(COST, at, sent.provider, sent.cost),
        }

    def counted(self) -> str:
        """The same as JSON for the row, which has the cost itself; nothing of what was sent as a test."""
        cells = () if self.queued.is_test else self.counts().values()
        return _encode([cell[:3] for cell in cells if cell.metric != COST]).decode()

    def _is_corrected(self, end: Fact) -> bool:
        """Whether something higher was heard while the bucket of `end` could still be corrected."""
        rank, until = ORDER[end.status], (end.late_at or end.at) + LATE_MS
        return any(ORDER[fact.status] > rank and heard(fact) <= until for fact in self.facts.values())

    def row(self) -> MessageRow:
        """Snapshot for Postgres; the row part is blank while it is not known."""
        status, queued = self.status, self.queued
        leading = self.standing.get(status)
        named = self._named() or leading
        return MessageRow(
            message_id=queued.message_id,
            request_id=queued.request_id,
            user_id=NOBODY if self.is_erased else queued.user_id,
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
            campaign_id=queued.campaign_id,
            campaign_label=queued.campaign_label,
            variant=queued.variant,
            is_test=queued.is_test,
            counted=self.counted(),
            cost=sent.cost if (sent := self.facts.get(Status.SENT)) else None,
        )

    def _reported(self) -> Fact | None:
        """By the provider that took it; of one that may have it and gets no further attempt, by that one.

        Where nobody says which that is, any may speak. While attempts go on none does.
        """
        if not self.undelivered:
            return None
        took, maybe = self.facts.get(Status.SENT), self.facts.get(Status.UNKNOWN)
        if took is None and maybe is not None and maybe.reason in FINAL:
            took = maybe
        if took is None:
            return None
        if took.provider is None:
            return min(self.undelivered.values(), key=strength)
        return self.undelivered.get(took.provider)

    def _at(self, status: Status) -> int | None:
        fact = self.facts.get(status)
        return fact.at if fact else None

    def _named(self) -> Fact | None:
        """Of the facts that know the provider's id the one of highest rank."""
        found = [fact for fact in self.facts.values() if fact.provider_message_id]
        return min(found, key=lambda fact: (-RANK[Status(fact.status)], fact.status)) if found else None


def _cell(fact: Fact) -> Cell:
    if fact.late_at is not None:
        return Cell(LATE, fact.late_at, fact.provider)
    return Cell(fact.status, fact.at, fact.provider)


def _digest(event_id: str) -> bytes:
    return blake2b(event_id.encode(), digest_size=8).digest()
