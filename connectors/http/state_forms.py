"""What is told of a request or message: its state, and the whole way to it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from schemas.words import Outcome

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class RequestState(msgspec.Struct, frozen=True):
    """One record that came in. A repeat brings its first request along."""

    request_id: str
    source: str
    idempotency_key: str
    user_id: str
    notification_type: str
    priority: str | None
    received_at: Time
    decided_at: Time
    outcome: Annotated[
        Outcome, Meta(description="`waiting` is followed by another; `accepted`: it has messages.")
    ]
    reason: Annotated[str | None, Meta(description="Of the closed list in docs/reasons.md.")]
    about: Annotated[str | None, Meta(description="The sentence of the reason.")]
    rule: Annotated[str | None, Meta(description="What decided.")]
    value: Annotated[str | None, Meta(description="With which value; of a wait: until when.")]
    channels: list[str]


class CancelState(msgspec.Struct, frozen=True):
    """A cancel that found nothing waiting."""

    source: str
    decided_at: Time
    outcome: Outcome
    reason: str | None
    about: str | None


class StatusState(msgspec.Struct, frozen=True):
    """One thing that became known of a message."""

    status: str
    at: Time
    details: dict[str, Any]


class MessageState(msgspec.Struct, frozen=True):
    """One message to one address."""

    message_id: str
    request_id: str
    channel: str
    priority: str
    status: str
    reason: str | None
    about: str | None
    details: str | None
    template: str | None
    template_version: int | None
    language: str | None
    provider: str | None
    provider_message_id: str | None
    attempts: int
    created_at: Time
    scheduled_at: Time | None
    expires_at: Time | None
    sent_at: Time | None
    delivered_at: Time | None
    updated_at: Time | None
    segments: Annotated[int | None, Meta(description="Of a text message, as an operator bills it.")]
    cost: Annotated[str | None, Meta(description="Decimal, by the provider's entry; null: not known.")]
    history: list[StatusState]


class State(msgspec.Struct, frozen=True):
    """All that belongs to the id that was asked for."""

    id: str
    status: Annotated[
        str, Meta(description="Of a message's id: its status. Of a request's: how its newest record ended.")
    ]
    requests: list[RequestState]
    cancels: list[CancelState]
    messages: list[MessageState]
