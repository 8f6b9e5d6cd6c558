"""A provider's breaker (NS-OPS-041, NS-OPS-OP-06): a value, and what an answer makes of it.

    closed     half of 20 calls within 30 s failed, or 3 in a row were refused our credentials ─► open
    open       its pause is over ─► half-open: one call tries, and the next pause begins with it
    half-open  that call was answered ─► closed; it failed ─► open

A refusal of a message, of an address or for a limit is an answer. Credentials have to be refused more than
once: a vendor's word for one message that its adapter does not know as such would else take all others along.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from schemas.provider_words import Cause
from schemas.words import Reason, Verdict

MISCONFIGURED_IN_A_ROW = 3
SLOTS = 30
"""The window is known by so many parts of it, not call by call."""
STEPS = 4
"""Of a weight that sinks."""


class Result(StrEnum):
    """What a verdict says of the provider."""

    ANSWERED = "answered"
    FAILED = "failed"
    MISCONFIGURED = "misconfigured"


RESULTS: dict[Verdict, Result] = {
    Verdict.ACCEPTED: Result.ANSWERED,
    Verdict.DELIVERED: Result.ANSWERED,
    Verdict.PERMANENT: Result.ANSWERED,
    Verdict.LIMITED: Result.ANSWERED,
    Verdict.TEMPORARY: Result.FAILED,
    Verdict.HIDDEN: Result.FAILED,
    Verdict.MISCONFIGURED: Result.MISCONFIGURED,
}


OF_THE_MESSAGE = frozenset({Reason.PROVIDER_LIMITED, Reason.RECIPIENT_LIMITED, Reason.RECIPIENT_NOT_SERVED})
"""Reasons that say nothing of other messages, whatever the verdict: a phone's limit, a country."""


def result_of(verdict: str, reason: str | None) -> Result:
    """What an answer says of the provider."""
    return Result.ANSWERED if reason in OF_THE_MESSAGE else RESULTS[Verdict(verdict)]


class Terms(msgspec.Struct, frozen=True):
    """When a breaker opens, and for how long. `calls`: without so many nothing is judged; 0: no breaker."""

    calls: int = 20
    window_ms: int = 30_000
    pause_ms: int = 30_000
    misconfigured_pause_ms: int = 300_000

    def pause(self, cause: Cause) -> int:
        """How long a provider is left alone, in ms."""
        return self.misconfigured_pause_ms if cause is Cause.MISCONFIGURED else self.pause_ms


class Slot(msgspec.Struct, frozen=True):
    """Calls that ended in one part of the window."""

    begins: int
    calls: int
    failed: int


class Breaker(msgspec.Struct, frozen=True):
    """Of one provider; times in ms.

    window      what ended lately, oldest first
    refused     how many calls in a row were refused our credentials
    cause       why it is open; None: it is closed
    resumes_at  of an open one: no call begins before
    """

    window: tuple[Slot, ...] = ()
    refused: int = 0
    cause: Cause | None = None
    resumes_at: int = 0

    def paused_until(self, now: int, terms: Terms) -> int:
        """No call may begin before; 0 when one may. A pause that only a clock set back can make is over."""
        if self.cause is None or not now < self.resumes_at <= now + terms.pause(self.cause):
            return 0
        return self.resumes_at

    def tried(self, now: int, terms: Terms) -> Breaker:
        """One call begins to see whether it is back; the others have another pause, or until it ends."""
        return self if self.cause is None else replace(self, resumes_at=now + terms.pause(self.cause))

    def answered(self, result: Result, now: int, terms: Terms) -> Breaker:
        """A call ended that began while it was closed. One that it outlasted says nothing new."""
        if self.cause is not None:
            return self
        counted = self._counted(result, now, terms)
        cause = _broken_by(counted, terms)
        return counted if cause is None else _opened(cause, now, terms)

    def returned(self, result: Result, now: int, terms: Terms) -> Breaker:
        """The call ended that tried whether it is back."""
        match result:
            case Result.ANSWERED:
                return Breaker()
            case Result.FAILED:
                return _opened(Cause.FAILURES, now, terms)
            case Result.MISCONFIGURED:
                return _opened(Cause.MISCONFIGURED, now, terms)

    def share(self, now: int, terms: Terms) -> float:
        """How much of its weight a provider has: a quarter less for each eighth of its calls that failed.

        So it loses all but a quarter before the breaker opens, and has it back when the window is over.
        """
        calls, failed = _sums(self._live(now, terms))
        lost = STEPS * 2 * failed // calls if calls >= max(terms.calls // 2, 1) else 0
        return max(STEPS - lost, 1) / STEPS

    def _counted(self, result: Result, now: int, terms: Terms) -> Breaker:
        begins = now - now % max(terms.window_ms // SLOTS, 1)
        live = self._live(now, terms)
        last = live[-1] if live and live[-1].begins == begins else Slot(begins, 0, 0)
        failed = last.failed + (result is not Result.ANSWERED)
        earlier = live[:-1] if live and live[-1] is last else live
        refused = self.refused + 1 if result is Result.MISCONFIGURED else 0
        return Breaker((*earlier, Slot(begins, last.calls + 1, failed)), refused)

    def _live(self, now: int, terms: Terms) -> tuple[Slot, ...]:
        window, oldest = self.window, now - terms.window_ms
        if not window or (oldest < window[0].begins and window[-1].begins <= now):
            return window  # most calls end amid the window, whose slots are in order
        return tuple(slot for slot in window if oldest < slot.begins <= now)


def _broken_by(breaker: Breaker, terms: Terms) -> Cause | None:
    """Of one that just counted a call, so all of its window is live."""
    if not terms.calls:
        return None
    if breaker.refused >= MISCONFIGURED_IN_A_ROW:
        return Cause.MISCONFIGURED
    calls, failed = _sums(breaker.window)
    return Cause.FAILURES if calls >= terms.calls and 2 * failed >= calls else None


def _sums(window: tuple[Slot, ...]) -> tuple[int, int]:
    """All calls, and those that failed."""
    calls = failed = 0
    for slot in window:
        calls += slot.calls
        failed += slot.failed
    return calls, failed


def _opened(cause: Cause, now: int, terms: Terms) -> Breaker:
    return Breaker(cause=cause, resumes_at=now + terms.pause(cause))
