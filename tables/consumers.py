"""Table `consumers`: of each consumer's API, what one task has open, what waits, its breaker (SEEN-OP-18).

key     `key_of(tag, destination)`
value   `Consumer`
writer  agents/forward.py

Table `parcels` holds what waits, a row per fact under `place_of(key, number)`; a queue is the numbers from
`first` to before `after`. A fact that waits costs one row written and one deleted, however long the queue is.
Rows and calls change in one transaction: `open_calls` is the number of call rows at any commit.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_FAILURES = 5
"""So many in a row, and the consumer gets a pause."""
FORGOTTEN_MS = 3_600_000
"""A call that has not ended by then was buried with a defect of ours: its place is free again."""


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer's API as one task sees it. Times in ms.

    pauses      how many were taken in a row; while there are any, one call at a time tries whether it is back
    resumes_at  no call begins before; 0 when nothing is wrong
    """

    open_calls: int = 0
    first: int = 0
    after: int = 0
    failures: int = 0
    pauses: int = 0
    resumes_at: int = 0
    moved_at: int = 0

    @property
    def waiting(self) -> int:
        """How many facts wait."""
        return self.after - self.first

    def may_call(self, now: int, most: int) -> bool:
        """Whether a further call may begin; `most`: of one task, while the consumer is well."""
        return now >= self.resumes_at and self._open(now) < (1 if self.pauses else most)

    def called(self, now: int) -> Consumer:
        """A call is recorded."""
        return replace(self, open_calls=self._open(now) + 1, moved_at=now)

    def joined(self) -> Consumer:
        """A fact stands at the end of the queue, under the number that was `after`."""
        return replace(self, after=self.after + 1)

    def left(self) -> Consumer:
        """The first of the queue is taken out of it."""
        return replace(self, first=self.first + 1)

    def untold(self, now: int) -> Consumer:
        """A call ended, and says nothing about the consumer: a crash hid it, or it was never begun."""
        return replace(self, open_calls=max(self.open_calls - 1, 0), moved_at=now)

    def answered(self, now: int) -> Consumer:
        """A call ended with an answer, be it a refusal: the consumer is well."""
        return replace(self.untold(now), failures=0, pauses=0, resumes_at=0)

    def failed(self, now: int, pause_ms: Callable[[int], int]) -> Consumer:
        """A call ended without a usable answer. What ends within a pause does not lengthen it."""
        ended = replace(self.untold(now), failures=self.failures + 1)
        if ended.failures < MOST_FAILURES or now < self.resumes_at:
            return ended
        return replace(ended, pauses=self.pauses + 1, resumes_at=now + pause_ms(self.pauses))

    def _open(self, now: int) -> int:
        return 0 if now - self.moved_at > FORGOTTEN_MS else self.open_calls


def key_of(tag: str, destination: str) -> bytes:
    """The row of a consumer."""
    return blake2b(msgspec.json.encode((tag, destination)), digest_size=16).digest()


def place_of(key: bytes, number: int) -> bytes:
    """The row of a waiting fact."""
    return key + number.to_bytes(8, "big")
