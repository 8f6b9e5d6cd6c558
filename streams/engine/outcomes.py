"""What becomes of an outcome of an agent: a record, a timer, a call of the outside, a count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToTopic:
    """Outcome → record, a tombstone when `encode` gives None.

    `same_partition` keeps the task's number, for topics keyed like the inputs; `spread` gives another hash.
    """

    topic: Callable[[Any], str]
    key: Callable[[Any], bytes | None]
    encode: Callable[[Any], bytes | None]
    same_partition: bool = False
    spread: Callable[[Any], int] | None = None


@dataclass(frozen=True, slots=True)
class ToTimer:
    """Outcome → timer: the same value comes back as an event once `at` (ms) has come, or at once.

    `id` and `at` together name the timer: both again replace it, another `at` is another timer. Where
    `encode` gives None it ends, if there is one; but one that is due in the same batch comes all the same.
    """

    id: Callable[[Any], bytes]
    at: Callable[[Any], int]
    encode: Callable[[Any], bytes | None]
    decode: Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class ToEffect:
    """Outcome → call of the outside, begun only after the transaction that recorded it has committed.

    `id` names an open call: the same yielded again is one call, another under its id is a defect.
    `perform(call)` returns the value the agent sees. `hidden(call)`: a crash hid whether it happened.
    `lapsed(call)`: it was never begun, which `perform` may say, too. One call in flight per `key`; at `limit`
    calls of a task its inputs pause, those that are not urgent at `limit - kept`. All tasks of a process
    together run `at_once` calls, the `urgent` ones first; of these places urgent ones keep the same share as
    `kept` is of `limit`. Where `gate(call)` is a wait, a call that has its place begins after it, or lapses;
    so does one that had not begun when a notice was committed whose key is its `subject(call)`.
    """

    id: Callable[[Any], bytes]
    key: Callable[[Any], bytes]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    perform: Callable[[Any], Awaitable[Any]]
    hidden: Callable[[Any], Any]
    lapsed: Callable[[Any], Any]
    urgent: Callable[[Any], bool] = lambda _call: False
    limit: int = 500
    kept: int = 0
    at_once: int = 10_000
    intent_ttl_s: float = 5.0
    gate: Callable[[Any], Awaitable[None] | None] | None = None
    subject: Callable[[Any], bytes] | None = None


@dataclass(frozen=True, slots=True)
class ToCount:
    """Outcome → `tell(outcome)` after the commit, for metrics: told once, or never if a crash comes first."""

    tell: Callable[[Any], None]
