"""Mail goes out by (a fake of) SendGrid, whose signed reports come back over HTTP, twice and out of order.

A bounce spares the address from the next request, a complaint ends marketing, a stranger's id is laid aside.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from connectors.providers.receipts.port import Post
from schemas.ids import message_named
from streams.applying import apply_directory
from streams.settings import Settings
from tests.broker.house.book import known, user
from tests.broker.house.house import House, Sent
from tests.webhooks import SENDGRID_KEY, by_sendgrid, sendgrid_event

NAME, READER, ANGRY = "house-sendgrid", "receipts-reader", "receipts-angry"
MAIL = {who: f"{who}@example.com" for who in (READER, ANGRY)}
STRANGER = message_named("11111111-2222-4333-8444-555555555555", "of nobody")
ROW = """
SELECT message_uuid::TEXT AS id, status, status_reason AS reason, provider_name AS provider,
delivered_at IS NOT NULL AS delivered FROM notification_messages WHERE idempotency_key = $1 AND status = $2
"""
BY_ID = ROW.replace("idempotency_key", "message_uuid::TEXT")
LOG = """
SELECT l.status FROM delivery_status_logs l JOIN notification_messages m ON m.id = l.message_id
WHERE m.message_uuid = $1::UUID ORDER BY l.status
"""
LEFT = "SELECT channel_type, reason FROM user_global_unsubscribes WHERE user_id = $1::UUID"
LOGGED = ["clicked", "delivered", "failed", "opened_by_machine", "pending", "sent"]


@dataclass(frozen=True, slots=True)
class Course:
    """What came of it."""

    answers: list[int]
    ended: Any
    log: list[str]
    events: list[str]
    next_one: Any
    calls: int
    left: list[tuple[str, str]]
    unknown: list[str]


def provider(house: House, *, is_active: bool) -> dict[str, Any]:
    """SendGrid before every other provider of mail."""
    return {
        "name": NAME,
        "channel_type": "email",
        "kind": "sendgrid",
        "priority": 1_000,
        "is_active": is_active,
        "config": {
            "url": f"{house.fake_url}/sendgrid",
            "api_key": "any",
            "from_address": "shop@example.com",
            "webhook_key": SENDGRID_KEY,
        },
    }


async def apply(house: House, folder: Path, *, is_active: bool) -> None:
    """Others keep their provider before and after."""
    folder.mkdir(exist_ok=True)
    told = yaml.safe_dump([provider(house, is_active=is_active)])
    (folder / "providers.yaml").write_text(told, encoding="utf-8")
    await apply_directory(Settings(data_dir=folder, **house.settings), folder)


async def post(house: House, made: Post) -> int:
    """The status of the answer to a post of the provider."""
    port = house.http.settings["http"]["port"]
    url = f"http://127.0.0.1:{port}/api/v1/notifications/webhooks/email/{NAME}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, headers=dict(made.headers), data=made.body) as answer,
    ):
        return answer.status


async def known_to_http(house: House) -> None:
    """Until the HTTP process has read of the provider; what nobody signed is then refused."""
    async with asyncio.timeout(60):
        while await post(house, Post({}, b"[]")) != 401:
            await asyncio.sleep(0.05)


async def sent(house: House, who: str) -> str:
    """The id of a message that went by our provider, of which the worker may read later than HTTP."""
    for turn in range(10):
        key = f"{who}-{turn}"
        await house.send(asked(who, key))
        (row,) = await house.rows(ROW, [key, "sent"], 1)
        if row["provider"] == NAME:
            return str(row["id"])
    raise AssertionError("the provider was never used")


def asked(who: str, key: str) -> Sent:
    """One mail to him."""
    value = {"user_id": user(who), "notification_type": "hidden_mail", "idempotency_key": key}
    return Sent("notification.send.request", value | {"data": {"Text": who}}, user(who))


def told(word: str, message_id: str, **more: Any) -> dict[str, Any]:
    """An event of now."""
    return sendgrid_event(word, message_id, **({"timestamp": int(time.time())} | more))


@pytest.fixture(scope="module")
def course(house: House, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """All of it in one go."""
    folder = tmp_path_factory.mktemp("receipts")
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        try:
            return runner.run(_course(house, folder))
        finally:
            runner.run(apply(house, folder, is_active=False))


async def _course(house: House, folder: Path) -> Course:
    await apply(house, folder, is_active=True)
    await house.send(*(Sent("user.events", known(who, email=MAIL[who]), user(who)) for who in MAIL))
    await house.read_by("intake", "recipient")
    await known_to_http(house)
    message, other = await sent(house, READER), await sent(house, ANGRY)
    posts = [
        by_sendgrid(told("open", message, sg_machine_open=True)),
        by_sendgrid(told("click", message), told("open", "")),
        by_sendgrid(told("bounce", message, type="bounce", reason=f"550 {MAIL[READER]}")),
        by_sendgrid(told("spamreport", other), told("deferred", other)),
        by_sendgrid(told("delivered", message), told("delivered", STRANGER)),
    ]
    answers = [await post(house, one) for one in (*posts, *reversed(posts), Post({}, posts[0].body))]
    await house.read_by("intake", "status", "recipient")
    (ended,) = await house.rows(BY_ID, [message, "clicked"], 1)
    log = await house.rows(LOG, [message], len(LOGGED))
    calls = calls_of(house)
    await house.send(asked(READER, "receipts-next"))
    (next_one,) = await house.rows(ROW, ["receipts-next", "skipped"], 1)
    left = await house.rows(LEFT, [user(ANGRY)], 1)
    topics = await house.topics("notification.events", "receipts.unknown")
    events = [record.json() for record in topics["notification.events"] if record.value]
    return Course(
        answers,
        ended,
        [row["status"] for row in log],
        sorted(event["event_type"] for event in events if event["message_id"] == message),
        next_one,
        calls_of(house) - calls,
        [(row["channel_type"], row["reason"]) for row in left],
        [record.json()["message_id"] for record in topics["receipts.unknown"]],
    )


def calls_of(house: House) -> int:
    """How often the provider was called for the one whose mail bounces."""
    return len([row for row in house.ledger if row["recipient"] == MAIL[READER]])


@pytest.mark.spec("NS-CH-OP-01 NS-CH-027 NS-API-OP-01")
def test_what_the_provider_signs_is_taken_and_nothing_else(course: Course) -> None:
    assert [200] * 10 + [401] == course.answers


@pytest.mark.spec("NS-CH-011 NS-CH-023 NS-SND-022 NS-SND-OP-07")
def test_the_row_the_log_and_the_events_say_once_what_was_told_twice_and_out_of_order(course: Course) -> None:
    assert ("clicked", True, NAME) == (
        course.ended["status"],
        course.ended["delivered"],
        course.ended["provider"],
    )
    assert LOGGED == course.log
    assert ["notification.clicked", "notification.delivered", "notification.sent"] == course.events


@pytest.mark.spec("NS-CH-OP-04 NS-SND-OP-07")
def test_the_next_request_spares_the_address_that_bounced(course: Course) -> None:
    assert ("address_bounced", None, 0) == (
        course.next_one["reason"],
        course.next_one["provider"],
        course.calls,
    )


@pytest.mark.spec("NS-CH-024 NS-CH-OP-04")
def test_a_complaint_ends_all_marketing(course: Course) -> None:
    assert [("all_marketing", "complaint")] == course.left


@pytest.mark.spec("NS-CH-OP-01")
def test_a_receipt_of_an_unknown_message_is_laid_aside(course: Course) -> None:
    assert [STRANGER, STRANGER] == course.unknown
