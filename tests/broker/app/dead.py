"""Errands whose records, outputs or dead letters are refused: their worker, and how a dead letter is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from tests.broker.app.ledger import CHANGELOG, Row
from tests.broker.app.process import AppProcess
from tests.servers import Servers


async def worker_for(
    servers: Servers, app: str, folder: Path, *, sizes: dict[str, int] | None = None, **params: Any
) -> AppProcess:
    """An errands worker, its topics created, not started. `sizes`: `max.message.bytes` of topics."""
    names = ["in", "in.dlq", "out", "narrow", "errands.changelog", "errands.dlq"]
    async with topics_of(open_brokers(servers.bootstrap)) as topics:
        await topics.create_missing(
            TopicSpec(
                f"{app}.{name}",
                partitions=2,
                config=(CHANGELOG if name.endswith(".changelog") else {})
                | ({"max.message.bytes": str((sizes or {})[name])} if name in (sizes or {}) else {}),
            )
            for name in names
        )
    return AppProcess(
        servers.bootstrap,
        app,
        "w1",
        folder,
        "errands",
        config={"static_id": True},  # a killed worker's tasks are its own again at once
        params={"folder": str(folder), **params},
    )


def bodies(rows: list[Row]) -> list[bytes]:
    """Values of records."""
    return [row.value or b"" for row in rows]


def reason(row: Row) -> bytes:
    """Why a dead letter is one."""
    return dict(row.headers)["dlq-reason"]
