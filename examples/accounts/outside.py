"""What lies in Postgres and in the providers' ledger."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import asyncpg

from examples.accounts.found import Call, Found, MessageRow, RequestRow

REQUESTS = """
select request_id::text, source, user_id::text, idempotency_key, priority, outcome, reason
from notification_requests
"""
MESSAGES = """
select message_uuid::text, request_id::text, channel_type, status, status_reason
from notification_messages
"""
LOGS = """
select m.message_uuid::text, l.status, count(*)
from delivery_status_logs l join notification_messages m on m.id = l.message_id
group by 1, 2
"""


async def read_rows(dsn: str, found: Found) -> None:
    """Every row of the three tables."""
    connection = await asyncpg.connect(dsn)
    try:
        requests = await connection.fetch(REQUESTS)
        messages = await connection.fetch(MESSAGES)
        logs = await connection.fetch(LOGS)
    finally:
        await connection.close()
    found.requests = [
        RequestRow(row[0], (row[1], row[2], row[3]), row[4], row[5], row[6]) for row in requests
    ]
    found.messages = [MessageRow(*row) for row in messages]
    found.logs = Counter({(row[0], row[1]): row[2] for row in logs})


def read_ledger(path: Path, found: Found) -> None:
    """Every call that reached a provider."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    found.calls = [
        Call(
            line["message_id"],
            line["channel"],
            line["recipient"],
            line["verdict"],
            line["taken"] and not line["repeat"],
        )
        for line in lines
        if line["channel"] != "account"
    ]
