"""The recipient stage: a key that is used again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.requests import DAY, REGISTERED, REQUEST, T0, Desk, ending

AGAIN = replace(REQUEST, request_id="r2", origin="t/0/9")


@pytest.mark.parametrize(
    "changed",
    [
        {"data": b"{}"},
        {"notification_type": "password_reset"},
        {"language": "en"},
        {"channels": ["email"]},
        {"scheduled_at": T0 + DAY},
    ],
)
async def test_a_key_used_again_for_something_else_is_told(desk: Desk, changed: dict[str, object]) -> None:
    await desk.tell(REGISTERED, REQUEST)
    assert ("repeated", "duplicate") == ending(await desk.tell(AGAIN))[:2]
    other = replace(AGAIN, **changed)
    assert ("repeated", "key_reused", "requests", REQUEST.request_id) == ending(await desk.tell(other))


async def test_data_are_the_same_in_any_order_of_their_names(desk: Desk) -> None:
    await desk.tell(REGISTERED, replace(REQUEST, data=b'{"a":1,"b":{"c":2,"d":3}}'))
    again = await desk.tell(replace(AGAIN, data=b'{"b":{"d":3,"c":2},"a":1}'))
    assert ("repeated", "duplicate") == ending(again)[:2]


@pytest.mark.spec("NS-EVT-074")
async def test_an_action_told_by_an_event_and_by_a_request_is_one(desk: Desk) -> None:
    event = replace(REQUEST, rule="payment.events/payment.successful", data=b"{}")
    await desk.tell(REGISTERED, event)
    assert ("repeated", "duplicate") == ending(await desk.tell(AGAIN))[:2]
    other = Desk()
    await other.tell(REGISTERED, REQUEST)
    assert ("repeated", "duplicate") == ending(await other.tell(replace(event, origin="t/0/9")))[:2]
