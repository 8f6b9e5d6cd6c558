"""Records of other services, and what the intake makes of one of them."""

from __future__ import annotations

from typing import Any

from agents.intake import intake
from schemas.receipts import ReceiptsRead
from schemas.records import (
    DomainEvent,
    Rule,
    SendRequest,
)
from tests.fakes import FakeEvent, FakeStream, MemoryReference, PlainCipher
from tests.requests import SECOND, T0, USER, reference

ASKED = SendRequest(
    user_id=USER,
    notification_type="order_confirmation",
    idempotency_key="order-1",
    data={"OrderNumber": "A-1"},
)


PAID = DomainEvent(
    event_type="payment.successful",
    user_id=USER,
    data={"order_id": "A-1", "refund": {"amount": 5}, "email": "anna@example.com", "phone": "+7900"},
)


REQUESTS = "notification.send.request/0/7"


def known(**rule: Any) -> MemoryReference:
    """The reference data, with one rule for payments."""
    found = reference()
    found.rules.append(
        Rule(
            **{
                "topic": "payment.events",
                "event_type": "payment.successful",
                "notification_type": "order_confirmation",
                **rule,
            }
        )
    )
    return found


async def take(
    value: SendRequest | DomainEvent | ReceiptsRead,
    origin: str = REQUESTS,
    headers: dict[str, bytes] | None = None,
    at: int = T0 - SECOND,
    book: MemoryReference | None = None,
) -> list[Any]:
    """What the intake makes of one record at T0."""
    stream = FakeStream([FakeEvent(value, b"any", at, headers or {}, origin)], T0)
    return [one async for one in intake(stream, book or known(), PlainCipher())]


async def one(*args: Any, **named: Any) -> Any:
    (found,) = await take(*args, **named)
    return found
