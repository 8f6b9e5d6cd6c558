"""`why` finds everything by whatever id a person has, and by indexes alone."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec
import pytest

from connectors.postgres.database import Database
from connectors.postgres.named import named_queries
from connectors.postgres.row_columns import RowRecord
from connectors.postgres.rows import RowWriter
from connectors.postgres.why import Archive, Explanation, MessageFound, RequestFound, StatusFound
from schemas.ids import derived
from tests.sample_rows import NOW, decided, logged, message, migrated

REQUEST, MESSAGE = derived("request", "1"), derived("message", "1")
STORY: list[RowRecord] = [
    decided(1, rule="types.default_channels", value="email"),
    message(1, version=2, status="sent", provider="mail", provider_message_id="<1@x>", sent_at=NOW + 20),
    logged(1),
    logged(1, "sent", status="sent", at=NOW + 20, details=b'{"attempt":1}'),
    decided(
        2, idempotency_key="key-1", outcome="repeated", reason="duplicate", value=REQUEST, origin="t/0/2"
    ),
    decided(3, outcome="skipped", reason="no_consent", rule="preferences.consent", value="marketing"),
    message(4, request_id=derived("request", "4")),
]


async def told(postgres: Database) -> Archive:
    writer = RowWriter(postgres, "app")
    await writer.open_task("rows", 0, 0)
    await writer.write("rows", 0, 0, len(STORY), STORY)
    return Archive(postgres)


def ids(explanation: Explanation) -> tuple[list[str], list[str]]:
    requests = [request.origin for request in explanation.requests]
    return requests, [message.message_id for message in explanation.messages]


async def test_a_message_is_explained_whole(database: str) -> None:
    async with migrated(database) as postgres:
        found = await (await told(postgres)).why(MESSAGE)
    given = decided(1)
    assert found.requests == (
        RequestFound(
            request_id=REQUEST,
            source="orders",
            idempotency_key="key-1",
            user_id=given.user_id,
            notification_type="order_confirmation",
            lane="high",
            received_at=NOW,
            decided_at=NOW + 7,
            outcome="accepted",
            reason=None,
            rule="types.default_channels",
            value="email",
            origin="notification.send.request/0/1",
            channels=("email", "push"),
        ),
    )
    assert found.messages == (
        MessageFound(
            message_id=MESSAGE,
            request_id=REQUEST,
            user_id=given.user_id,
            channel="email",
            lane="high",
            notification_type="order_confirmation",
            status="sent",
            reason=None,
            details=None,
            recipient=b"\x01sealed",
            template=None,
            template_version=None,
            language=None,
            provider="mail",
            provider_message_id="<1@x>",
            attempts=0,
            created_at=NOW + 5,
            scheduled_at=None,
            expires_at=NOW + 86_400_000,
            sent_at=NOW + 20,
            delivered_at=None,
            updated_at=NOW + 5,
            segments=None,
            cost=None,
            log=(
                StatusFound(derived("event", "1", "queued"), "pending", NOW + 5, {}),
                StatusFound(derived("event", "1", "sent"), "sent", NOW + 20, {"attempt": 1}),
            ),
        ),
    )


@pytest.mark.parametrize("asked", [REQUEST, REQUEST.upper(), MESSAGE, "<1@x>"])
async def test_request_message_and_provider_id_lead_to_the_same_story(database: str, asked: str) -> None:
    async with migrated(database) as postgres:
        assert ids(await (await told(postgres)).why(asked)) == (["notification.send.request/0/1"], [MESSAGE])


async def test_a_key_leads_to_every_record_that_carried_it(database: str) -> None:
    async with migrated(database) as postgres:
        archive = await told(postgres)
        expected = (["notification.send.request/0/1", "t/0/2"], [MESSAGE])
        assert expected == ids(await archive.why("key-1"))
        assert expected == ids(await archive.why("key-1", is_key=True))


async def test_a_repeat_brings_the_first_request_along(database: str) -> None:
    async with migrated(database) as postgres:
        found = await (await told(postgres)).why(derived("request", "2"))
    assert {"notification.send.request/0/1", "t/0/2"} == {request.origin for request in found.requests}
    assert [MESSAGE] == [message.message_id for message in found.messages]


async def test_a_request_without_message_names_rule_and_value(database: str) -> None:
    async with migrated(database) as postgres:
        found = await (await told(postgres)).why(derived("request", "3"))
    assert [("skipped", "no_consent", "preferences.consent", "marketing")] == [
        (request.outcome, request.reason, request.rule, request.value) for request in found.requests
    ]
    assert found.messages == ()


async def test_messages_whose_request_row_is_gone_are_still_found(database: str) -> None:
    async with migrated(database) as postgres:
        archive = await told(postgres)
        for asked in (derived("request", "4"), derived("message", "4")):
            assert ([], [derived("message", "4")]) == ids(await archive.why(asked))


@pytest.mark.parametrize("asked", ["nothing", derived("x"), "", "'; DROP TABLE x", "k" * 5000])
async def test_what_is_not_there_is_unknown(database: str, asked: str) -> None:
    async with migrated(database) as postgres:
        found = await (await told(postgres)).why(asked)
    assert found.is_empty
    assert found.asked == asked


async def test_an_id_is_no_key_when_a_key_was_asked_for(database: str) -> None:
    async with migrated(database) as postgres:
        assert (await (await told(postgres)).why(REQUEST, is_key=True)).is_empty


FILL = """
INSERT INTO notification_requests (request_id, source, idempotency_key, user_id, notification_type,
    received_at, decided_at, outcome)
SELECT gen_random_uuid(), 's', 'k' || n, gen_random_uuid(), 't',
    carillon_time($1) + (n % 3) * INTERVAL '1 day', carillon_time($1), 'accepted'
FROM generate_series(1, 4000) AS n;
"""
FILL_MESSAGES = """
INSERT INTO notification_messages (request_id, user_id, channel_type, recipient, notification_type, category,
    priority, source, idempotency_key, provider_message_id, created_at)
SELECT gen_random_uuid(), gen_random_uuid(), 'sms', '', 't', 'system', 'low', 's', 'k' || n, 'p' || n,
    carillon_time($1) + (n % 3) * INTERVAL '20 days'
FROM generate_series(1, 4000) AS n;
"""
FILL_LOG = """
INSERT INTO delivery_status_logs (message_id, message_created_at, event_id, status)
SELECT id, created_at, gen_random_uuid(), 'pending' FROM notification_messages;
"""
FILLED = "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 1000 AND relname NOT LIKE 'pg_%'"
SAMPLES: dict[str, Any] = {
    "requests_by_id": [derived("x")],
    "requests_by_key": "k77",
    "messages_by_id": derived("x"),
    "messages_by_request": [derived("x")],
    "messages_by_provider_id": "p77",
    "log_of_messages": [77],
}


@pytest.mark.spec("NS-OPS-023")
async def test_no_question_reads_a_whole_table(database: str) -> None:
    """With 4000 rows the planner prefers indexes by itself: this connection has no setting of ours."""
    async with migrated(database):
        connection = await asyncpg.connect(database)
        await connection.execute("SET jit = off")
        await connection.fetch(FILL, NOW)
        await connection.fetch(FILL_MESSAGES, NOW)
        await connection.fetch(FILL_LOG)
        await connection.execute("ANALYZE notification_requests, notification_messages, delivery_status_logs")
        rows = await connection.fetch(FILLED)
        filled = {row["relname"] for row in rows}
        assert len(filled) == 7, "three days of requests, two months of messages and of their log"
        assert set(SAMPLES) == set(named_queries("why"))
        for name, sample in SAMPLES.items():
            plan = await connection.fetchval(
                f"EXPLAIN (FORMAT JSON) {named_queries('why')[name]}", sample, 100
            )
            scans = scans_of(msgspec.json.decode(plan))
            assert {table for kind, table in scans if kind == "Seq Scan"} & filled == set(), name
            assert any("Index" in kind for kind, _ in scans), name
        await connection.close()


def scans_of(plan: Any) -> list[tuple[str, str]]:
    """Every node that reads a table, with its kind."""
    if isinstance(plan, list):
        return [scan for part in plan for scan in scans_of(part)]
    if not isinstance(plan, dict):
        return []
    own = [(plan["Node Type"], plan["Relation Name"])] if "Relation Name" in plan else []
    own += [(plan["Node Type"], "")] if plan.get("Node Type") == "Bitmap Index Scan" else []
    return own + [scan for part in plan.values() for scan in scans_of(part)]
