"""Reads all there is at the end: topics, rows, the providers' ledger. Imports none of the rooms."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from aiokafka import AIOKafkaConsumer

from examples.accounts import outside, topics
from examples.accounts.found import Found, task_of, told_of
from examples.accounts.seen import fact_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVENTS, STATS = "notification.events", "notification.stats"
MONEY = frozenset({"priced", "cost_micros"})
PATIENCE_S: Final = 300.0
HISTORIES: Final = """
select statuses, count(*), min(message) from (
  select m.message_uuid::text as message, array_agg(l.status order by l.id) as statuses
  from delivery_status_logs l join notification_messages m on m.id = l.message_id group by 1
) as each group by 1
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the ledger. `at`: s since the epoch."""

    seq: int
    at: float
    message_id: str
    channel: str
    recipient: str


@dataclass(slots=True)
class Shelf:
    """Everything found. `histories`: a sequence of statuses → how many messages went so, and one of them."""

    found: Found = field(default_factory=Found)
    attempts: list[Attempt] = field(default_factory=list)
    histories: dict[tuple[str, ...], tuple[int, str]] = field(default_factory=dict)
    told_in_order: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


async def gather(bootstrap: str, dsn: str, ledger: Path) -> Shelf:
    """Read everything there is."""
    shelf = Shelf()
    await outside.read_rows(dsn, shelf.found)
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(HISTORIES)
    finally:
        await connection.close()
    shelf.histories = {tuple(row[0]): (row[1], row[2]) for row in rows}
    outside.read_ledger(ledger, shelf.found)
    shelf.attempts = [_attempt(json.loads(line)) for line in ledger.read_text().splitlines()]
    schemas = await topics.read(bootstrap, (topics.SCHEMAS,), "\0")
    reader = _Reader(shelf, topics.AvroReader(schemas.get(topics.SCHEMAS, [])))
    await asyncio.wait_for(_read(bootstrap, reader), PATIENCE_S)
    reader.finish()
    return shelf


def _attempt(line: dict[str, Any]) -> Attempt:
    return Attempt(line["seq"], line["at"] / 1000, line["message_id"], line["channel"], line["recipient"])


class _Reader:
    """Takes record by record and keeps only ids and words."""

    def __init__(self, shelf: Shelf, read_avro: topics.AvroReader) -> None:
        self._shelf = shelf
        self._read_avro = read_avro
        self._hours: dict[bytes, dict[str, Any]] = {}

    def taker(self, topic: str) -> Callable[[str, topics.Record], None] | None:
        """What to do with a topic's records; None: do not read it."""
        if topic == EVENTS:
            return self._event
        if topic == STATS:
            return self._stats
        if topic.endswith(".dlq"):
            return self._dead
        return {"channel": self._task, "seen": self._seen}.get(topic.partition(".")[0])

    def finish(self) -> None:
        """Sum up the hour records: the last one of a key counts (NS-EVT-OP-05)."""
        sums: Counter[str] = Counter()
        for record in self._hours.values():
            sums.update(record["metrics"])
        counts = {name: count for name, count in sums.items() if count and name not in MONEY}
        self._shelf.found.stats = Counter(counts)

    def _event(self, _topic: str, record: topics.Record) -> None:
        told = told_of(record.json())
        self._shelf.found.told.append(told)
        if told.channel is not None:
            self._shelf.told_in_order[told.message_id].append(told.event_type)

    def _stats(self, _topic: str, record: topics.Record) -> None:
        if record.value and (found := record.json())["period"] == "hour":
            self._hours[record.key or b""] = found

    def _dead(self, topic: str, record: topics.Record) -> None:
        line = int(record.headers.get("line", b"0"))
        self._shelf.found.dead[topic.removesuffix(".dlq"), line] += 1

    def _task(self, _topic: str, record: topics.Record) -> None:
        self._shelf.found.tasks.append(task_of(self._read_avro(record)))

    def _seen(self, topic: str, record: topics.Record) -> None:
        fact = record.json()
        name = fact_id(fact["event_type"], fact["tag"], fact["id"], fact.get("user"))
        self._shelf.found.seen.setdefault(topic, Counter())[name] += 1


async def _read(bootstrap: str, reader: _Reader) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    async with consumer:
        places = [one for one in await topics.places(bootstrap) if reader.taker(one.topic) is not None]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                take = reader.taker(place.topic)
                assert take is not None
                for one in records:
                    take(place.topic, topics.Record(one.key, one.value, dict(one.headers)))
