"""Facts that are sent again by a person: from `seen.unknown` and `seen.failed` back to `facts.seen`."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.records import SeenFact, SeenFailed, SeenParcel, SeenPosted
from schemas.times import parse_rfc3339

_FACT = msgspec.json.Decoder(SeenFact)
_FAILED = msgspec.json.Decoder(SeenFailed)


class Wanted(msgspec.Struct, frozen=True):
    """Which of them; None stands for all."""

    tag: str | None = None
    destination: str | None = None

    def post(self, raw: bytes, key: bytes | None, at: int) -> SeenPosted | None:
        """A fact of `seen.unknown` as it was posted (`at`: ms); it goes to every destination of its tag."""
        fact = _FACT.decode(raw)
        if self.tag not in {None, fact.tag}:
            return None
        return SeenPosted(
            kind=fact.event_type,
            tag=fact.tag,
            id=fact.id,
            seen_at=parse_rfc3339(fact.seen_at),
            received_at=at,
            user=fact.user or {},
            user_key=None if key is None else key.decode(),
        )

    def parcel(self, raw: bytes, _key: bytes | None, _at: int) -> SeenParcel | None:
        """A fact of `seen.failed` for the one destination that did not take it; its patience begins anew."""
        failed = _FAILED.decode(raw)
        if self.tag not in {None, failed.fact.tag} or self.destination not in {None, failed.destination}:
            return None
        return SeenParcel(
            fact=failed.fact,
            fact_id=failed.fact_id,
            destination=failed.destination,
            origin="",
            received_at=parse_rfc3339(failed.received_at),
            give_up_at=0,
            user_key=failed.user_key,
        )


class Again(msgspec.Struct):
    """What a redrive has come to. `known`: marks of what was sent again before."""

    known: set[bytes]
    sent: int = 0
    left: int = 0

    def takes(self, record: Any, *, repeats: bool) -> bool:
        """Whether this one goes out; one that did before only if `repeats`."""
        if mark_of(record) in self.known and not repeats:
            self.left += 1
            return False
        self.sent += 1
        return True

    def told(self) -> str:
        """For the person who gave the command."""
        if not self.left:
            return f"{self.sent} sent again"
        return f"{self.sent} sent again; {self.left} were before, --again sends them once more"


def mark_of(record: Any) -> bytes:
    """Key under which a record that was sent again is remembered; its time tells topics made anew apart."""
    return f"{record.topic}/{record.partition}/{record.offset}/{record.timestamp}".encode()


def line_of(raw: bytes, *, has_failed: bool) -> tuple[str, str, str]:
    """Tag, destination and reason of a record of one of the two topics, for a list."""
    if not has_failed:
        return _FACT.decode(raw).tag, "", "unknown tag"
    failed = _FAILED.decode(raw)
    return failed.fact.tag, failed.destination, failed.reason
