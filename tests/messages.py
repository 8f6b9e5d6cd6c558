"""One message and what may be said about it: samples that a test changes by `replace`."""

from __future__ import annotations

from schemas.records import AttemptEnded, CallEnded, MessageQueued, ProviderCall, RequestDecided, SendTask

SECOND = 1_000
DAY = 86_400 * SECOND
T0 = 1_747_830_896_000  # 2025-05-21T12:34:56Z

QUEUED = MessageQueued(
    message_id="00000000-0000-0000-0000-0000000000a1",
    request_id="00000000-0000-0000-0000-0000000000b1",
    user_id="user-1",
    channel="email",
    lane="high",
    notification_type="order_confirmation",
    category="transactional",
    source="payments",
    idempotency_key="order-1",
    recipient=b"sealed address",
    payload=b'{"order_id":"1"}',
    created_at=T0,
    expires_at=T0 + DAY,
    language="ru",
    template="order_confirmation",
    template_version=3,
    segments=2,
)

TASK = SendTask(
    message_id=QUEUED.message_id,
    request_id=QUEUED.request_id,
    user_id=QUEUED.user_id,
    channel=QUEUED.channel,
    lane=QUEUED.lane,
    notification_type=QUEUED.notification_type,
    category=QUEUED.category,
    source=QUEUED.source,
    idempotency_key=QUEUED.idempotency_key,
    address=QUEUED.recipient,
    content=b"sealed content",
    created_at=QUEUED.created_at,
    expires_at=QUEUED.expires_at,
    unknown_policy="repeat",
)

DECIDED = RequestDecided(
    request_id=QUEUED.request_id,
    source=QUEUED.source,
    idempotency_key=QUEUED.idempotency_key,
    user_id=QUEUED.user_id,
    notification_type=QUEUED.notification_type,
    category=QUEUED.category,
    lane=QUEUED.lane,
    received_at=T0,
    decided_at=T0,
    outcome="accepted",
    channels=["email"],
)


def called(task: SendTask, verdict: str, provider: str = "first", *, ask: bool = False) -> CallEnded:
    """The end of a call of `provider` about `task`."""
    return CallEnded(call=ProviderCall(task=task, provider=provider, ask=ask), verdict=verdict)


def fact(status: str, at: int = T0, event_id: str = "", provider: str | None = "first") -> AttemptEnded:
    """What delivery or a provider's feedback says about the sample message."""
    return AttemptEnded(
        event_id=event_id or f"{status}@{at}",
        message_id=QUEUED.message_id,
        request_id=QUEUED.request_id,
        user_id=QUEUED.user_id,
        channel=QUEUED.channel,
        lane=QUEUED.lane,
        notification_type=QUEUED.notification_type,
        category=QUEUED.category,
        source=QUEUED.source,
        idempotency_key=QUEUED.idempotency_key,
        created_at=T0,
        status=status,
        at=at,
        attempt=1,
        epoch=0,
        provider=provider,
    )
