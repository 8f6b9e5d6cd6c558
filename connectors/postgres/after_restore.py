"""What a database lacks when a backup was put back: partitions, reference data, API keys … (NS-OPS-072).

Rows are no part of it: the sink reads on from the offset that stands beside them in the backup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from connectors.kafka_clients import connected
from connectors.postgres.access_refill import KeyTopic, LineTopic, refill_access
from connectors.postgres.migrate import migrate
from connectors.postgres.partitions import add_partitions
from connectors.postgres.refill import refill
from connectors.reference.book import ReferenceBook
from schemas.catalogue import catalogue
from schemas.topics import AUDIT, DAY_MS, KEYS, REFERENCE, ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.kafka_clients import Brokers
    from connectors.postgres.database import Database
    from connectors.reference.wire import Sealer

POLL_MS = 500


async def after_restore(database: Database, cipher: Sealer, brokers: Brokers, now_ms: int) -> list[str]:
    """Bring a database that was put back to today, but for its rows; gives a line on each thing done.

    Run it before any worker starts; twice is as good as once. `KafkaError`, `PostgresError`: nothing of the
    step that failed is done.
    """
    book, keys, lines = ReferenceBook(cipher), KeyTopic(), LineTopic()
    for topic, taken in ((REFERENCE, book), (KEYS, keys), (AUDIT, lines)):
        await read_whole(brokers, topic, taken.apply)
    told = [("migrations", await migrate(database)), ("partitions", await partitions(database, now_ms))]
    found = await refill(database, cipher, book)
    told += [("records written", found.written), ("records removed", found.removed)]
    told += [("records that nobody here can read", found.unreadable)]
    of_access = await refill_access(database, keys, lines)
    told += [("API keys written", of_access.keys)]
    told_of = [f"{len(names)} {what}: {', '.join(names)}" for what, names in told if names]
    return [*told_of, f"{of_access.lines} audit lines written"] if of_access.lines else told_of


async def partitions(database: Database, now_ms: int) -> list[str]:
    """Partitions for all rows that the topic may hold: a row that comes first stays in the default one."""
    kept = next(topic.retention_ms for topic in catalogue() if topic.name == ROWS) or 0
    days = range(now_ms - kept, now_ms + 1, DAY_MS)
    return [name for at in days for name in await add_partitions(database, at)]


async def read_whole(brokers: Brokers, topic: str, take: Callable[[bytes, bytes | None], None]) -> None:
    """Every record of a topic of one partition, up to its end of the moment."""
    tp = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(**brokers, enable_auto_commit=False, isolation_level="read_committed")
    async with connected(consumer):
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=POLL_MS)).get(tp, []):
                take(record.key or b"", record.value)
