"""An address that bounced gets nothing more until another one takes its place (NS-CH-OP-04)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records import ContactChanged
from tests.requests import DAY, REGISTERED, REQUEST, SECOND, T0, USER, Desk, decision, messages, tasks

BOUNCED = ContactChanged(user_id=USER, action="bounced", changed_at=T0, email=b"sealed:anna@example.com")
AGAIN = replace(REQUEST, request_id="r2", idempotency_key="order-2", channels=["email"])


def stated(at: int = T0 + SECOND, **fields: bytes) -> ContactChanged:
    given: dict[str, Any] = fields
    return ContactChanged(user_id=USER, action="updated", changed_at=at, **given)


async def told(*facts: ContactChanged, request: Any = AGAIN) -> list[tuple[str, str, str | None]]:
    """Channel, status and reason of the messages of a request after these facts."""
    answered = await Desk().tell(REGISTERED, *facts, request)
    return [(one.channel, one.status, one.reason) for one in messages(answered)]


SKIPPED = [("email", "skipped", "address_bounced")]
SENT = [("email", "pending", None)]


@pytest.mark.spec("NS-CH-OP-04 NS-SND-OP-07")
async def test_the_next_request_skips_an_address_that_bounced_and_says_why() -> None:
    desk = Desk()
    answered = await desk.tell(REGISTERED, BOUNCED, AGAIN)
    assert SKIPPED == [(one.channel, one.status, one.reason) for one in messages(answered)]
    assert ([], ["email"]) == (tasks(answered), decision(answered).channels)
    assert SENT == await told()


@pytest.mark.parametrize(
    "fact",
    [
        replace(BOUNCED, email=b"sealed:older@example.com"),
        replace(BOUNCED, email=None, phone=b"sealed:+79001234567"),
        replace(BOUNCED, email=b"withdrawn:anna@example.com"),
    ],
    ids=["of another address", "of the phone", "sealed with a key that is gone"],
)
async def test_a_bounce_of_something_else_changes_nothing(fact: ContactChanged) -> None:
    assert SENT == await told(fact)


@pytest.mark.spec("NS-CH-OP-04")
@pytest.mark.parametrize(
    ("email", "expected"),
    [
        (b"sealed:anna@example.com", SKIPPED),
        (b"sealed:Anna@EXAMPLE.com", SKIPPED),
        (b"sealed:new@example.com", SENT),
    ],
)
async def test_only_another_address_is_usable_again(email: bytes, expected: list[Any]) -> None:
    assert expected == await told(BOUNCED, stated(email=email))
    assert expected == await told(BOUNCED, stated(email=email), stated(T0 + 2 * SECOND, phone=b"sealed:+7"))


async def test_an_address_that_comes_back_after_another_one_is_tried_again() -> None:
    back = stated(T0 + 2 * SECOND, email=b"sealed:anna@example.com")
    assert SENT == await told(BOUNCED, stated(email=b"sealed:new@example.com"), back)


@pytest.mark.spec("NS-SND-042")
async def test_a_reserve_channel_takes_over_for_a_number_that_bounced() -> None:
    request = replace(REQUEST, notification_type="password_reset", data=b'{"Code":"1234"}')
    bounced = replace(BOUNCED, email=None, phone=b"sealed:+79001234567")
    found = await told(bounced, request=request)
    assert [("sms", "skipped", "address_bounced"), ("email", "pending", None)] == found


async def test_a_mark_outlives_an_exchange_of_keys_and_ends_with_the_user() -> None:
    resealed = ContactChanged(user_id=USER, action="resealed", changed_at=T0, email=BOUNCED.email)
    assert SKIPPED == await told(BOUNCED, resealed)
    desk = Desk()
    gone = ContactChanged(user_id=USER, action="deleted", changed_at=T0 + SECOND)
    back = replace(REGISTERED, changed_at=T0 + DAY)
    await desk.tell(REGISTERED, BOUNCED, gone, back)
    known = desk.known()
    assert known is not None
    assert known.email is not None
    assert known.email.is_usable


async def test_a_bounce_of_a_user_of_whom_nothing_is_known_makes_no_row() -> None:
    desk = Desk()
    assert [] == await desk.tell(BOUNCED)
    assert None is desk.known()


def confirmed(at: int, **fields: bytes) -> ContactChanged:
    """Somebody knows that it takes messages again."""
    return replace(stated(at, **fields), confirmed=["email"])


@pytest.mark.spec("NS-CH-OP-04")
@pytest.mark.parametrize(
    "fields", [{}, {"email": b"sealed:anna@example.com"}], ids=["by name", "stated again"]
)
async def test_an_address_that_is_confirmed_after_its_bounce_is_tried_again(fields: dict[str, bytes]) -> None:
    after = confirmed(T0 + SECOND, **fields)
    for facts in (
        (BOUNCED, after),
        (BOUNCED, after, BOUNCED),
        (BOUNCED, after, stated(T0 + 2 * SECOND, **fields)),
    ):
        assert SENT == await told(*facts)


@pytest.mark.spec("NS-CH-OP-04")
async def test_a_bounce_after_the_confirmation_spares_it_again() -> None:
    later = replace(BOUNCED, changed_at=T0 + 2 * SECOND)
    assert SKIPPED == await told(BOUNCED, confirmed(T0 + SECOND), later)
    assert SKIPPED == await told(confirmed(T0 + SECOND), later)


async def test_a_confirmation_of_another_channel_or_of_before_changes_nothing() -> None:
    phone = replace(confirmed(T0 + SECOND), confirmed=["sms"])
    assert SKIPPED == await told(BOUNCED, phone)
    assert SKIPPED == await told(BOUNCED, confirmed(T0 - SECOND))


async def test_a_confirmation_goes_with_the_address() -> None:
    """Another one that bounced is not confirmed by it."""
    new = replace(BOUNCED, email=b"sealed:new@example.com")
    other = stated(T0 + 2 * SECOND, email=b"sealed:new@example.com")
    assert SKIPPED == await told(confirmed(T0 + SECOND), other, new)
