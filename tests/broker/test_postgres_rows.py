"""The sink: rows and offset move together or not at all, and no row goes back."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal

import pytest

from connectors.postgres.row_columns import RowRecord
from connectors.postgres.rows import Written
from schemas.ids import derived
from tests.sample_rows import NOW, decided, logged, message, migrated
from tests.written_rows import at, rows, write


@pytest.mark.spec("NS-DATA-OP-21 NS-PREF-OP-05")
async def test_a_request_has_its_row(database: str) -> None:
    given = decided(outcome="skipped", reason="no_consent", rule="preferences.consent", value="marketing")
    async with migrated(database) as postgres:
        assert await write(postgres, [given]) == Written(1, 0, 0)
        (row,) = await rows(postgres, "SELECT * FROM notification_requests")
    assert {
        "request_id": given.request_id,
        "source": "orders",
        "idempotency_key": "key-1",
        "user_id": given.user_id,
        "notification_type": "order_confirmation",
        "category": "transactional",
        "priority": "high",
        "campaign_id": None,
        "campaign_label": None,
        "received_at": at(NOW),
        "decided_at": at(NOW + 7),
        "outcome": "skipped",
        "reason": "no_consent",
        "rule": "preferences.consent",
        "value": "marketing",
        "origin": "notification.send.request/0/1",
        "channels": ["email", "push"],
    } == row | {"request_id": str(row["request_id"]), "user_id": str(row["user_id"])}


@pytest.mark.spec("NS-DATA-OP-04 NS-DATA-OP-14 NS-DATA-OP-15 NS-DATA-116 NS-SND-021")
async def test_a_message_has_its_row_and_its_log(database: str) -> None:
    given = message(
        version=3,
        status="delivered",
        reason="held",
        detail="by hand",
        language="ru",
        template="order",
        template_version=4,
        segments=2,
        provider="mail",
        provider_message_id="<1@x>",
        attempts=2,
        scheduled_at=NOW + 1,
        sent_at=NOW + 2,
        delivered_at=NOW + 3,
        opened_at=NOW + 4,
        clicked_at=NOW + 6,
        updated_at=NOW + 8,
        cost=7_000_001,
    )
    line = logged(status="sent", at=NOW + 9, details=b'{"attempt":2}')
    async with migrated(database) as postgres:
        assert await write(postgres, [given, line]) == Written(0, 1, 1)
        (row,) = await rows(postgres, "SELECT * FROM notification_messages")
        (log,) = await rows(postgres, "SELECT * FROM delivery_status_logs")
    expected = {
        "message_uuid": given.message_id,
        "row_version": 3,
        "request_id": given.request_id,
        "user_id": given.user_id,
        "channel_type": "email",
        "template_name": "order",
        "template_version": 4,
        "segments": 2,
        "recipient": b64encode(b"\x01sealed").decode(),
        "status": "delivered",
        "status_reason": "held",
        "status_details": "held: by hand",
        "payload": '{"OrderNumber": "A-17"}',
        "notification_type": "order_confirmation",
        "category": "transactional",
        "priority": "high",
        "source": "orders",
        "idempotency_key": "key-1",
        "language_code": "ru",
        "provider_name": "mail",
        "provider_message_id": "<1@x>",
        "attempts": 2,
        "scheduled_at": at(NOW + 1),
        "sent_at": at(NOW + 2),
        "delivered_at": at(NOW + 3),
        "opened_at": at(NOW + 4),
        "clicked_at": at(NOW + 6),
        "created_at": at(NOW + 5),
        "expires_at": at(NOW + 86_400_000),
        "last_status_update_at": at(NOW + 8),
        "cost": Decimal("7.000001"),
    }
    texts = row | {name: str(row[name]) for name in ("message_uuid", "request_id", "user_id")}
    assert expected == {name: texts[name] for name in expected}
    assert {
        "id": 1,
        "message_id": row["id"],
        "message_created_at": at(NOW + 5),
        "event_id": line.event_id,
        "status": "sent",
        "timestamp": at(NOW + 9),
        "details": '{"attempt": 2}',
    } == log | {"event_id": str(log["event_id"])}


async def test_a_message_names_the_template_in_force(database: str) -> None:
    async with migrated(database) as postgres:
        (template,) = await rows(
            postgres,
            "INSERT INTO notification_templates (name, channel_type, language_code, body)"
            " VALUES ('order', 'email', 'ru', 'x') RETURNING id",
        )
        await write(postgres, [message(1, template="order", language="ru"), message(2, template="order")])
        found = await rows(postgres, "SELECT template_id FROM notification_messages ORDER BY id")
    assert [template["id"], None] == [row["template_id"] for row in found]


@pytest.mark.spec("NS-DATA-OP-13")
async def test_a_row_never_goes_back(database: str) -> None:
    async with migrated(database) as postgres:
        await write(postgres, [message(version=2, status="sent")])
        await write(postgres, [message(version=1), message(version=2, status="failed")])
        assert await rows(postgres, "SELECT status, row_version FROM notification_messages") == [
            {"status": "sent", "row_version": 2}
        ]
        await write(postgres, [message(version=3, status="delivered")])
        assert await rows(postgres, "SELECT status FROM notification_messages") == [{"status": "delivered"}]


async def test_a_later_decision_replaces_an_earlier_one(database: str) -> None:
    async with migrated(database) as postgres:
        await write(postgres, [decided(outcome="accepted")])
        await write(postgres, [decided(outcome="skipped", reason="no_contact", decided_at=NOW + 30_000)])
        await write(postgres, [decided(outcome="accepted")])
        assert await rows(postgres, "SELECT outcome, reason FROM notification_requests") == [
            {"outcome": "skipped", "reason": "no_contact"}
        ]


@pytest.mark.parametrize("later_ms", [30_000, -5_000])
async def test_waiting_gives_way_to_what_follows_by_whatever_clock(database: str, later_ms: int) -> None:
    found = "SELECT outcome, value FROM notification_requests"
    async with migrated(database) as postgres:
        await write(postgres, [decided(outcome="waiting", value="soon")])
        await write(postgres, [decided(outcome="waiting", value="later", decided_at=NOW + later_ms)])
        assert await rows(postgres, found) == [{"outcome": "waiting", "value": "later"}]
        await write(postgres, [decided(outcome="skipped", value="", decided_at=NOW + 2 * later_ms)])
        await write(postgres, [decided(outcome="waiting", decided_at=NOW + 90_000)])
        assert await rows(postgres, found) == [{"outcome": "skipped", "value": ""}]


@pytest.mark.spec("NS-DATA-OP-18")
async def test_a_line_of_the_log_is_written_once(database: str) -> None:
    async with migrated(database) as postgres:
        await write(postgres, [message(), logged()])
        assert await write(postgres, [logged(), logged(event="sent", status="sent")]) == Written(0, 0, 2)
        assert len(await rows(postgres, "SELECT 1 FROM delivery_status_logs")) == 2


async def test_a_line_without_its_message_is_counted_and_left_out(database: str) -> None:
    async with migrated(database) as postgres:
        assert await write(postgres, [logged(1), logged(2), message(2)]) == Written(0, 1, 1, orphans=1)


async def test_rows_of_any_century_find_a_place(database: str) -> None:
    far = [message(1, created_at=0), message(2, created_at=NOW + 100 * 365 * 86_400_000)]
    lines = [logged(n, message_created_at=row.created_at) for n, row in enumerate(far, 1)]
    async with migrated(database) as postgres:
        assert await write(postgres, [*far, *lines, decided(received_at=0)]) == Written(1, 2, 2)
        assert len(await rows(postgres, "SELECT 1 FROM notification_messages_default")) == 2


async def test_what_postgres_cannot_hold_is_mended_and_its_neighbours_are_written(database: str) -> None:
    broken = message(2, detail="a\x00b\ud800", template="t" * 300, created_at=10**17)
    async with migrated(database) as postgres:
        assert await write(postgres, [message(1), broken, logged(1)]) == Written(0, 2, 1)
        found = await rows(postgres, "SELECT status_details FROM notification_messages ORDER BY created_at")
        assert [None, "a\ufffdb?"] == [row["status_details"] for row in found]


async def test_a_long_key_fits_its_index(database: str) -> None:
    async with migrated(database) as postgres:
        given: list[RowRecord] = [
            decided(idempotency_key="k" * 20_000),
            message(provider_message_id="п" * 20_000),
        ]
        assert await write(postgres, given) == Written(1, 1, 0)


@pytest.mark.parametrize(
    "hopeless",
    [
        message(2, user_id="nobody"),
        message(2, status="lost"),
        message(2, payload=b"\xff"),
        message(2, payload=b"{"),
    ],
    ids=["no uuid", "no status", "no text", "no json"],
)
async def test_a_hopeless_record_is_kept_aside_in_the_same_transaction(
    database: str, hopeless: RowRecord
) -> None:
    async with migrated(database) as postgres:
        assert await write(postgres, [message(1), hopeless, message(3)]) == Written(0, 2, 0, refused=1)
        (kept,) = await rows(postgres, "SELECT kind, record, batch_start FROM sink_refusals")
        assert await write(postgres, []) == Written(0, 0, 0)
    assert (kept["kind"], kept["batch_start"]) == ("MessageRow", 0)
    assert derived("message", "2") in kept["record"]
