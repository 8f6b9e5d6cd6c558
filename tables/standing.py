"""What became known about a message, and which of two facts stands for a status.

Facts in any order, any number of times, end in the same one (NS-SND-OP-07): that is what makes the state of
a message (tables/progress.py) a join.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from schemas.words import Reason, Status

LATEST = frozenset({Status.PENDING, Status.UNKNOWN})  # of these the last fact tells most, of others the first
FINAL = frozenset({Reason.HELD, Reason.NOT_REPEATED})  # reasons after which no attempt follows


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
    heard_at: int | None = None  # when the first fact of its status arrived; `at` in older rows
    cost: int | None = None  # of what the provider took, in millionths

    @property
    def is_report(self) -> bool:
        """Whether a provider says of what it took that it did not arrive: a failure of no attempt."""
        return self.status == Status.FAILED and not self.attempt and self.provider is not None


def joined(facts: dict[str, Fact], name: str, fact: Fact) -> dict[str, Fact]:
    """With one more under its name."""
    known = facts.get(name)
    return {**facts, name: fact if known is None else stronger(known, fact)}


def blanked(facts: dict[str, Fact]) -> dict[str, Fact]:
    """Without anything personal."""
    return {name: replace(fact, detail=None, provider_message_id=None) for name, fact in facts.items()}


def stronger(one: Fact, two: Fact) -> Fact:
    """The one that stands; it remembers when the first of the two was heard."""
    if one.status in LATEST:  # attempts are in order even where the clocks of two workers are not
        found = max(one, two, key=lambda fact: (fact.attempt, fact.reason in FINAL, fact.at, fact.event_id))
    else:
        found = min(one, two, key=strength)
    return replace(found, heard_at=min(heard(one), heard(two)))


def strength(fact: Fact) -> tuple[bool, int, str]:
    """What came in time goes before what came late, and then the earlier one."""
    return fact.late_at is not None, fact.late_at or fact.at, fact.event_id


def heard(fact: Fact) -> int:
    """When the first fact of its status arrived (ms)."""
    return fact.at if fact.heard_at is None else fact.heard_at
