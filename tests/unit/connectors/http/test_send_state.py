"""What became of a request or message, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.http.send_state import about
from connectors.postgres.errors import PostgresUnavailableError
from connectors.postgres.why import Explanation, MessageFound, RequestFound, StatusFound
from schemas.times import rfc3339
from schemas.words import REASONS, Reason
from tests.unit.connectors.http.edge import NOW, Edge, edge
from tests.unit.connectors.http.test_send import USER

ID = "5c1f1c4e-2f0b-8d5a-9b1e-6a1f0d2c3b4a"
MESSAGE_ID = "a3c8d0f2-6b1e-8c47-9d20-4f5e6a7b8c9d"
ROOT = "/api/v1/notifications/stats/messages"
SEALED = b"sealed-address"
REQUEST = RequestFound(
    request_id=ID,
    source="shop",
    idempotency_key="k-1",
    user_id=USER,
    notification_type="order_confirmation",
    lane="high",
    received_at=NOW,
    decided_at=NOW + 7,
    outcome="accepted",
    reason=None,
    rule="type.default_channels",
    value="email",
    origin="notification.send.request/0/7",
    channels=("email",),
)
MESSAGE = MessageFound(
    message_id=MESSAGE_ID,
    request_id=ID,
    user_id=USER,
    channel="email",
    lane="high",
    notification_type="order_confirmation",
    status="failed",
    reason="provider_refused",
    details="provider_refused: no such box",
    recipient=SEALED,
    template="order",
    template_version=3,
    language="ru",
    provider="smtp",
    provider_message_id=None,
    attempts=1,
    created_at=NOW + 7,
    scheduled_at=None,
    expires_at=NOW + 1000,
    sent_at=None,
    delivered_at=None,
    updated_at=NOW + 9,
    segments=None,
    cost=Decimal("3.500000"),
    log=(StatusFound("e-1", "pending", NOW + 7, {}), StatusFound("e-2", "failed", NOW + 9, {"attempt": 1})),
)
CANCEL = replace(
    REQUEST,
    idempotency_key="",
    notification_type="",
    outcome="noted",
    reason="nothing_waits",
    rule="cancel",
    decided_at=NOW + 60_000,
)


async def told(one: Edge, asked: str, *requests: RequestFound, messages: Any = ()) -> dict[str, Any]:
    one.known[asked] = Explanation(asked, requests, tuple(messages))
    status, body, _ = await one.ask("GET", f"{ROOT}/{asked.upper()}")
    assert 200 == status
    found: dict[str, Any] = body
    return found


@pytest.mark.spec("NS-API-OP-15 NS-API-062 NS-STAT-003")
async def test_the_whole_way_is_told_by_the_request_and_by_the_message() -> None:
    async with edge() as one:
        by_request = await told(one, ID, REQUEST, messages=[MESSAGE])
        by_message = await told(one, MESSAGE_ID, REQUEST, messages=[MESSAGE])
    assert (ID, "accepted") == (by_request["id"], by_request["status"])
    assert (MESSAGE_ID, "failed") == (by_message["id"], by_message["status"])
    assert by_request["requests"] == by_message["requests"]
    (message,) = by_request["messages"]
    assert ("provider_refused", REASONS[Reason.PROVIDER_REFUSED]) == (message["reason"], message["about"])
    assert ["pending", "failed"] == [line["status"] for line in message["history"]]
    assert {"attempt": 1} == message["history"][1]["details"]
    (request,) = by_request["requests"]
    assert ("type.default_channels", "email", ["email"]) == (
        request["rule"],
        request["value"],
        request["channels"],
    )
    assert rfc3339(NOW) == request["received_at"]


async def test_no_address_is_told() -> None:
    async with edge() as one:
        body = await told(one, ID, REQUEST, messages=[MESSAGE])
    assert "recipient" not in body["messages"][0]
    assert SEALED.decode() not in str(body)


async def test_a_cancel_that_came_late_stands_beside_the_request() -> None:
    async with edge() as one:
        body = await told(one, ID, REQUEST, CANCEL, messages=[MESSAGE])
        alone = await told(one, MESSAGE_ID, replace(CANCEL, request_id=MESSAGE_ID))
    assert ("accepted", 1) == (body["status"], len(body["requests"]))
    (cancel,) = body["cancels"]
    assert ("noted", "nothing_waits") == (cancel["outcome"], cancel["reason"])
    assert REASONS[Reason.NOTHING_WAITS] == cancel["about"]
    assert ("noted", []) == (alone["status"], alone["requests"])


async def test_of_two_records_under_one_id_the_newest_counts() -> None:
    repeat = replace(REQUEST, outcome="repeated", reason="duplicate", value=ID, request_id=MESSAGE_ID)
    async with edge() as one:
        body = await told(one, MESSAGE_ID, REQUEST, repeat)
    assert ("repeated", [ID, MESSAGE_ID]) == (body["status"], [r["request_id"] for r in body["requests"]])


async def test_messages_whose_request_is_no_longer_kept_are_told() -> None:
    async with edge() as one:
        body = await told(one, ID, messages=[MESSAGE])
    assert ("failed", []) == (body["status"], body["requests"])


@pytest.mark.spec("NS-API-062")
@pytest.mark.parametrize("asked", [ID, "7"])
async def test_what_is_not_known_is_not_found(asked: str) -> None:
    async with edge() as one:
        status, body, _ = await one.ask("GET", f"{ROOT}/{asked}")
    assert (404, "not_found") == (status, body["code"])


async def test_without_the_database_it_may_be_asked_again() -> None:
    async with edge() as one:

        async def away() -> None:
            raise PostgresUnavailableError("no answer")

        one.database = away
        status, body, headers = await one.ask("GET", f"{ROOT}/{ID}")
    assert (503, "database_unavailable", "1") == (status, body["code"], headers["Retry-After"])


@pytest.mark.parametrize(("key", "status"), [("ck_live_abc", 403), ("ck_test_def", 403), ("", 401)])
async def test_only_a_key_of_its_scope_reads(key: str, status: int) -> None:
    async with edge() as one:
        found, _, _ = await one.ask("GET", f"{ROOT}/{ID}", Authorization=f"Bearer {key}")
    assert status == found


def test_a_reason_of_a_later_version_has_no_sentence() -> None:
    assert (None, None) == (about(None), about("a_word_of_tomorrow"))
