"""Seen facts: posted, on their way to the services that own the notifications, called, given up."""

from __future__ import annotations

from typing import Any

from schemas.records.root import Record


class SeenPosted(Record, frozen=True, kw_only=True):
    """A seen post as the HTTP agent took it. Topic `facts.seen`, key = user key (SEEN-OP-03, SEEN-OP-14)."""

    kind: str  # client | driver | unauthorized
    tag: str
    id: str
    seen_at: int
    received_at: int
    user: dict[str, Any] = {}
    user_key: str | None = None


class CommunicationSeen(Record, frozen=True, kw_only=True):
    """Somebody known by `user`, `<id_type>:<id>`, saw a communication (GEN-OP-08). Topic `facts.labels`."""

    bucket: int
    user: str
    communication_id: str
    seen_at: int
    kept_until: int


class SeenFact(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What consumer services get, JSON (SEEN-OP-10). `user` is absent, not null, where there is none."""

    event_type: str
    tag: str
    id: str
    seen_at: str
    user: dict[str, Any] | None = None


class SeenRouted(Record, frozen=True, kw_only=True):
    """A fact on its way to one destination: its topic, value `fact`, key `user_key`."""

    destination: str  # a topic of the tag; `seen.unknown` for a tag nobody configured
    fact: SeenFact
    user_key: str | None = None


class SeenParcel(Record, frozen=True, kw_only=True):
    """A fact for one consumer's API. Kept in table `parcels` while it waits; on `facts.seen` when redriven.

    `origin`: the record it came as; `calls`: how often it was called, `attempts`: how many of them failed.
    """

    fact: SeenFact
    fact_id: str  # the idempotency key that the consumer gets
    destination: str
    origin: str
    received_at: int
    give_up_at: int
    user_key: str | None = None
    traceparent: str | None = None
    attempts: int = 0
    calls: int = 0
    is_redriven: bool = False  # its way took as long as a person did: that is no lag of ours


class SeenCall(Record, frozen=True, kw_only=True):
    """The effect: `POST` one fact to a consumer's API (SEEN-031)."""

    parcel: SeenParcel


class SeenCallEnded(Record, frozen=True, kw_only=True):
    """What the consumer answered, or that nobody knows. `detail` says nothing of the answer's body.

    verdict: accepted | temporary | permanent | hidden | lapsed
    """

    call: SeenCall
    verdict: str
    detail: str | None = None


class SeenDue(Record, frozen=True, kw_only=True):
    """Timer: call this parcel again; without one, look what waits for the consumer."""

    tag: str
    destination: str
    due_at: int
    parcel: SeenParcel | None = None


class SeenFailed(Record, frozen=True, kw_only=True):
    """A fact that no API took. Topic `seen.failed`, JSON; `carillon seen redrive` sends it again."""

    destination: str
    reason: str
    detail: str | None
    attempts: int
    failed_at: str
    received_at: str
    fact_id: str
    fact: SeenFact
    user_key: str | None = None
