"""What a restored database is compared by: every row of every table, when the sink has written all."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import ROWS
from tests.broker.house.house import APP, PATIENCE_S, House

MADE_HERE = "{id,created_at,updated_at,deleted_at,filed_version}"
SNAPSHOTS = {
    "notification_requests": "SELECT r.tableoid::REGCLASS::TEXT, to_jsonb(r) FROM notification_requests r",
    "notification_messages": """
        SELECT m.tableoid::REGCLASS::TEXT, to_jsonb(m) - '{id,template_id}'::TEXT [], to_jsonb(t.name)
        FROM notification_messages m LEFT JOIN notification_templates t ON t.id = m.template_id
    """,
    "delivery_status_logs": """
        SELECT l.tableoid::REGCLASS::TEXT, to_jsonb(l) - '{id,message_id}'::TEXT [], m.message_uuid
        FROM delivery_status_logs l JOIN notification_messages m ON m.id = l.message_id
    """,
    "sink_offsets": "SELECT to_jsonb(o) - 'updated_at' FROM sink_offsets o",
    "sink_refusals": "SELECT to_jsonb(r) - '{id,at}'::TEXT [] FROM sink_refusals r",
    "notification_template_versions": """
        SELECT
            to_jsonb(v) - '{template_id,created_at,author,request_key}'::TEXT [],
            t.name, t.channel_type, t.language_code
        FROM notification_template_versions v JOIN notification_templates t ON t.id = v.template_id
    """,
    "reference_outbox": "SELECT key, version, payload, published_at IS NULL FROM reference_outbox",
    "api_keys": "SELECT to_jsonb(r) - 'last_used_at' FROM api_keys r",
    "audit_log": "SELECT to_jsonb(r) - 'at' FROM audit_log r",
    "audit_outbox": "SELECT to_jsonb(r) FROM audit_outbox r",
    "user_notification_preferences": "SELECT to_jsonb(r) FROM user_notification_preferences r",
    "user_global_unsubscribes": "SELECT to_jsonb(r) FROM user_global_unsubscribes r",
    "device_tokens": "SELECT to_jsonb(r) FROM device_tokens r",
    "user_quiet_hours": "SELECT to_jsonb(r) FROM user_quiet_hours r",
    "notification_stats": "SELECT to_jsonb(r) FROM notification_stats r",
    "user_consents": "SELECT to_jsonb(r) FROM user_consents r",
    "user_erasures": "SELECT to_jsonb(r) FROM user_erasures r",
    "promotions.audience_labels": "SELECT to_jsonb(r) FROM promotions.audience_labels r",
    "partition_rules": "SELECT to_jsonb(r) FROM partition_rules r",
    "schema_migrations": "SELECT name, checksum FROM schema_migrations",
    **{
        name: f"SELECT to_jsonb(r) - '{MADE_HERE}'::TEXT [], r.deleted_at IS NULL FROM {name} r"  # noqa: S608
        for name in (
            "notification_types",
            "notification_templates",
            "notification_rules",
            "provider_configs",
            "spending_budgets",
            "seen_tags",
            "promotions.promotions",
            "promotions.filters",
            "promotions.experiments",
        )
    },
}
"""Every row of every table as text, but for what the page says is made anew."""
TABLES = """
SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('public', 'promotions')
"""
Snapshot = dict[str, list[str]]


async def snapshot(house: House) -> Snapshot:
    """All tables, their rows in order."""
    connection = await asyncpg.connect(house.postgres.address)
    try:
        found = await connection.fetch(TABLES)
        assert set(SNAPSHOTS) == {row[0] for row in found}
        return {
            name: sorted(repr(tuple(row)) for row in await connection.fetch(query))
            for name, query in SNAPSHOTS.items()
        }
    finally:
        await connection.close()


async def until_written(house: House) -> None:
    """Until no committed record of `rows` lies behind the offsets in the database."""
    connection = await asyncpg.connect(house.postgres.address)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=house.kafka.address, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await behind(connection, consumer):
                house.worker.check_alive()
    finally:
        await consumer.stop()
        await connection.close()


async def behind(connection: asyncpg.Connection[Any], consumer: AIOKafkaConsumer) -> bool:
    rows = await connection.fetch("SELECT partition, next FROM sink_offsets WHERE app = $1", APP)
    offsets = {TopicPartition(ROWS, row["partition"]): row["next"] for row in rows}
    consumer.assign(list(offsets))
    for tp, offset in offsets.items():
        consumer.seek(tp, offset)
    ends = await consumer.end_offsets(list(offsets))
    while any([await consumer.position(tp) < end for tp, end in ends.items()]):
        if await consumer.getmany(timeout_ms=100, max_records=1):
            return True
    return False
