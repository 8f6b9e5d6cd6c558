"""Table `consumers`: of each consumer's API, what one task has open, what waits, its breaker (SEEN-OP-18).

key     `key_of(tag, destination)`
value   `Consumer`
writer  agents/forward.py

Table `parcels` holds what waits, a row per fact under `place_of(key, number)`; a queue is the numbers from
`first` to before `after`. A fact that waits costs one row written and one deleted, however long the queue is.
Rows and calls change in one transaction: `began` names the call rows at any commit, but for two: a call that
was buried with a defect of ours stays in it until it is forgotten, and one that outlasted that is out of it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_PAUSE_MS = 60_000
"""A consumer that is back is found within a minute; facts that wait meanwhile spend no attempt."""
MOST_FAILURES = 5
"""So many in a row, and the consumer gets a pause."""
FORGOTTEN_MS = 3_600_000
"""A call that has not ended by then was buried with a defect of ours: its place is free again.

The calls of a worker that was away for so long are forgotten, too. They end later all the same, and until
then the consumer has up to twice its share.
"""


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer's API as one task sees it. Times in ms.

    began       open calls by name, and when each began
    pauses      how many were taken in a row; while there are any, one call at a time tries whether it is back
    resumes_at  no call begins before; 0 when nothing is wrong
    looks_at    when a timer comes that looks for forgotten calls; one in the past came
    later       facts that failed and are on timers; for people only, nothing is decided by it
    """

    began: dict[str, int] = {}
    first: int = 0
    after: int = 0
    failures: int = 0
    pauses: int = 0
    resumes_at: int = 0
    looks_at: int = 0
    later: int = 0

    @property
    def undelivered(self) -> int:
        """Facts that are waiting, called or on timers."""
        return self.waiting + self.open_calls + self.later

    @property
    def open_calls(self) -> int:
        """How many have a place."""
        return len(self.began)

    @property
    def waiting(self) -> int:
        """How many facts wait."""
        return self.after - self.first

    def at(self, now: int) -> Consumer:
        """Without forgotten calls, and without times that only a clock that was ahead can have written."""
        began = {name: min(at, now) for name, at in self.began.items() if now - at <= FORGOTTEN_MS}
        resumes_at = self.resumes_at if self.resumes_at - now <= LONGEST_PAUSE_MS else 0
        looks_at = self.looks_at if self.looks_at - now <= FORGOTTEN_MS + 1 else 0
        return replace(self, began=began, resumes_at=resumes_at, looks_at=looks_at)

    def may_call(self, now: int, most: int) -> bool:
        """Whether a further call may begin; `most`: of one task, while the consumer is well."""
        return now >= self.resumes_at and self.open_calls < (1 if self.pauses else most)

    def looked(self, now: int) -> Consumer:
        """A timer is set to the time when the oldest call is forgotten, unless one is still to come."""
        if self.looks_at > now or not self.began:
            return self
        return replace(self, looks_at=min(self.began.values()) + FORGOTTEN_MS + 1)

    def called(self, name: str, now: int) -> Consumer:
        """A call is recorded."""
        return replace(self, began=self.began | {name: now})

    def joined(self) -> Consumer:
        """A fact stands at the end of the queue, under the number that was `after`."""
        return replace(self, after=self.after + 1)

    def left(self) -> Consumer:
        """The first of the queue is taken out of it."""
        return replace(self, first=self.first + 1)

    def postponed(self) -> Consumer:
        """A fact is on a timer now."""
        return replace(self, later=self.later + 1)

    def returned(self) -> Consumer:
        """A fact came off its timer. One that was set before this was counted is none less."""
        return replace(self, later=max(self.later - 1, 0))

    def ended(self, name: str) -> Consumer:
        """A call ended. That alone says nothing: a crash may have hidden it, or it was never begun."""
        return replace(self, began={other: at for other, at in self.began.items() if other != name})

    def answered(self) -> Consumer:
        """There was an answer, be it a refusal: the consumer is well."""
        return replace(self, failures=0, pauses=0, resumes_at=0)

    def failed(self, now: int, pause_ms: Callable[[int], int]) -> Consumer:
        """There was no usable answer. What ends within a pause does not lengthen it."""
        failed = replace(self, failures=self.failures + 1)
        if failed.failures < MOST_FAILURES or now < self.resumes_at:
            return failed
        return replace(failed, pauses=self.pauses + 1, resumes_at=now + pause_ms(self.pauses))


def key_of(tag: str, destination: str) -> bytes:
    """The row of a consumer."""
    return blake2b(msgspec.json.encode((tag, destination)), digest_size=16).digest()


def place_of(key: bytes, number: int) -> bytes:
    """The row of a waiting fact."""
    return key + number.to_bytes(8, "big")
