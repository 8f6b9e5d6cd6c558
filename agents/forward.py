"""Forwards facts to consumers' APIs: call, queue, retry, give up (SEEN-OP-16, SEEN-OP-18).

Each consumer of a task has its own queue, its own few calls and its own breaker, so none delays another.
Whenever something waits, a timer of that queue is set: to now, to the end of the pause, or to the time when
the oldest open call is forgotten. Calls that end take the next one long before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.retry import backoff_ms
from schemas.records import SeenCall, SeenCallEnded, SeenDue, SeenFailed, SeenParcel
from schemas.seen_figures import UNKNOWN, Result, SeenPaused, SeenTried
from schemas.seen_words import DestinationKind, GivenUp
from schemas.times import rfc3339
from schemas.words import Verdict
from tables.consumers import LONGEST_PAUSE_MS, Consumer, key_of, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agents.ports import Reference, Table
    from schemas.records import SeenDestination

    Outcomes = Iterator["Outcome"]

Outcome = SeenCall | SeenDue | SeenFailed | SeenTried | SeenPaused
RETRY_CAP_MS = 600_000
AT_ONCE = 100
"""Facts taken out of a queue by one event; a timer goes on with the rest."""


@dataclass(frozen=True, slots=True)
class Queues:
    """The tables of consumers in one task, and the reference data that configures them."""

    consumers: Table[bytes, Consumer]
    parcels: Table[bytes, SeenParcel]
    reference: Reference

    def target(self, tag: str, destination: str) -> SeenDestination | None:
        """The API of that name, None when the tag does not name it."""
        found = self.reference.tag(tag)
        apis = (each for each in (found.targets if found else ()) if each.kind == DestinationKind.API)
        return next((each for each in apis if each.name == destination), None)


class Forwarding:
    """One consumer during one event."""

    def __init__(self, queues: Queues, tag: str, destination: str, now: int) -> None:
        self._queues = queues
        self._tag, self._destination, self._now = tag, destination, now
        self._key = key_of(tag, destination)
        self._consumer = (queues.consumers.get(self._key) or Consumer()).at(now)
        self._target = queues.target(tag, destination)
        known = self._target is not None
        self._labels = (tag, destination) if known else (UNKNOWN, UNKNOWN)

    def accept(self, parcel: SeenParcel) -> Outcomes:
        """Call at once if nothing waits before it; else it waits for its turn."""
        if self._consumer.waiting or not self._may_call():
            self._queues.parcels.put(place_of(self._key, self._consumer.after), parcel)
            self._consumer = self._consumer.joined()
            yield from self.go_on()
        else:
            yield from self._take(parcel)
            self._keep()

    def come_back(self, parcel: SeenParcel) -> Outcomes:
        """A fact that failed comes off its timer."""
        self._consumer = self._consumer.returned()
        yield from self.accept(parcel)

    def settle(self, ended: SeenCallEnded) -> Outcomes:
        """A call ended: the fact is done, given up, or goes again; its place goes to the next one."""
        parcel = ended.call.parcel
        before = self._consumer.resumes_at
        self._consumer = self._consumer.ended(_name(parcel))
        match Verdict(ended.verdict):
            case Verdict.ACCEPTED:
                self._consumer = self._consumer.answered()
                lag_ms = None if parcel.is_redriven else max(self._now - parcel.received_at, 0)
                yield self._tried(Result.OK, lag_ms)
            case Verdict.PERMANENT:
                self._consumer = self._consumer.answered()
                yield from self._give_up(parcel, GivenUp.REFUSED, ended.detail)
            case Verdict.HIDDEN | Verdict.LAPSED as verdict:
                if verdict is Verdict.HIDDEN:
                    yield self._tried(Result.HIDDEN)
                yield from self.accept(parcel)
            case _:
                self._consumer = self._consumer.failed(self._now, self._pause_ms)
                yield from self._retry(replace(parcel, attempts=parcel.attempts + 1), ended.detail)
        if self._consumer.resumes_at != before:
            yield SeenPaused(*self._labels, self._consumer.resumes_at)
        yield from self.go_on()

    def go_on(self) -> Outcomes:
        """Take what may be called now out of the queue, and see to it that the rest is not forgotten."""
        for _ in range(AT_ONCE):
            if not self._consumer.waiting or not self._may_call():
                break
            place = place_of(self._key, self._consumer.first)
            parcel = self._queues.parcels.get(place)
            self._queues.parcels.delete(place)
            self._consumer = self._consumer.left()
            if parcel is not None:
                yield from self._take(parcel)
        if self._consumer.waiting:
            yield from self._timer()
        self._keep()

    def _timer(self) -> Outcomes:
        """Not one for each call to see whether it is forgotten: one, and when it comes, the next one."""
        if self._may_call() or self._now < self._consumer.resumes_at:
            due_at = max(self._now, self._consumer.resumes_at)
        else:
            before, self._consumer = self._consumer, self._consumer.looked(self._now)
            if before == self._consumer:
                return
            due_at = self._consumer.looks_at
        yield SeenDue(tag=self._tag, destination=self._destination, due_at=due_at)

    def _take(self, parcel: SeenParcel) -> Outcomes:
        """Call, unless it is too late or there is nobody to call."""
        if self._target is None:
            yield from self._give_up(parcel, GivenUp.UNCONFIGURED, None)
        elif self._now >= parcel.give_up_at:
            yield from self._give_up(parcel, GivenUp.OUT_OF_TIME, None)
        else:
            again = replace(parcel, calls=parcel.calls + 1)
            self._consumer = self._consumer.called(_name(again), self._now)
            yield SeenCall(parcel=again)

    def _retry(self, parcel: SeenParcel, detail: str | None) -> Outcomes:
        due_at = self._now + backoff_ms(
            f"{parcel.fact_id}/{self._destination}", parcel.attempts - 1, RETRY_CAP_MS
        )
        if self._target is None:
            yield from self._give_up(parcel, GivenUp.UNCONFIGURED, detail)
        elif self._target.max_attempts is not None and parcel.attempts >= self._target.max_attempts:
            yield from self._give_up(parcel, GivenUp.ATTEMPTS_EXHAUSTED, detail)
        elif due_at >= parcel.give_up_at:
            yield from self._give_up(parcel, GivenUp.OUT_OF_TIME, detail)
        else:
            self._consumer = self._consumer.postponed()
            yield self._tried(Result.RETRY)
            yield SeenDue(tag=self._tag, destination=self._destination, due_at=due_at, parcel=parcel)

    def _give_up(self, parcel: SeenParcel, reason: GivenUp, detail: str | None) -> Outcomes:
        yield self._tried(Result.FAILED)
        yield SeenFailed(
            destination=parcel.destination,
            reason=reason,
            detail=detail,
            attempts=parcel.attempts,
            failed_at=rfc3339(self._now),
            received_at=rfc3339(parcel.received_at),
            fact_id=parcel.fact_id,
            fact=parcel.fact,
            user_key=parcel.user_key,
        )

    def _may_call(self) -> bool:
        """A destination that is gone takes all: its queue is to be emptied."""
        return self._target is None or self._consumer.may_call(self._now, self._target.in_flight)

    def _tried(self, result: Result, lag_ms: int | None = None) -> SeenTried:
        return SeenTried(*self._labels, result, lag_ms)

    def _keep(self) -> None:
        self._queues.consumers.put(self._key, self._consumer)

    @property
    def _pause_ms(self) -> Callable[[int], int]:
        return partial(backoff_ms, f"{self._tag}/{self._destination}", cap_ms=LONGEST_PAUSE_MS)


def _name(parcel: SeenParcel) -> str:
    """Of a call, among those of its destination."""
    return f"{parcel.origin}/{parcel.calls}"
