"""What the seen stage counts. These values go to metrics after their transaction, and are written nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UNKNOWN = "unknown"
"""Stands for every tag and destination that is not configured: anyone can invent one (SEEN-OP-08)."""


class Decision(StrEnum):
    """What became of a posted fact."""

    PASSED = "passed"
    REPEATED = "repeated"
    DISABLED = "disabled"
    LEFT_OUT = "left_out"  # its user is not in the tag's percentage
    UNKNOWN = "unknown"
    RECEIPT = "receipt"  # of a message, under a reserved tag without destinations


class Result(StrEnum):
    """How one try to deliver a fact ended."""

    OK = "ok"
    RETRY = "retry"  # it failed for now
    FAILED = "failed"  # given up: it is in `seen.failed`
    HIDDEN = "hidden"  # a crash hid the answer: it is called again


@dataclass(frozen=True, slots=True)
class SeenDecided:
    """One posted fact was dealt with."""

    tag: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class SeenTried:
    """One try ended. `lag_ms`: from the post to the delivery, where there was one."""

    tag: str
    destination: str
    result: Result
    lag_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SeenPaused:
    """A consumer's breaker moved: open until then (ms), 0 when it is closed."""

    tag: str
    destination: str
    until: int
