"""A story of messages, requests and users, told to the real agents: the topic and the rows that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from agents.settle import Memory, settle
from agents.sum_up import sum_up
from connectors.postgres.row_columns import RowRecord
from schemas.ids import derived
from schemas.records import (
    MessageRow,
    RequestDecided,
    StatsPartial,
    StatsRecord,
    StatsRow,
    StatusLogged,
    Unsubscribed,
)
from schemas.times import parse_rfc3339
from tables.totals import key_of
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY, DECIDED, QUEUED, T0, fact
from tests.sample_rows import USER

HOUR = 3_600_000
BASE = T0 - T0 % DAY
SHARED = ("message_id", "request_id", "user_id", "channel")
NAMES = ("channel_type", "notification_type", "category", "campaign_id", "campaign_label", "variant")
Cell = tuple[Any, ...]


def story() -> Iterator[tuple[int, Any]]:
    """What is said, and when: 40 messages, each with a course of its own, requests, users who leave."""
    courses = ["sent", "sent delivered", "sent opened clicked", "failed", "failed delivered", "unknown sent"]
    for n in range(40):
        queued = replace(
            QUEUED,
            message_id=derived("message", str(n)),
            request_id=derived("request", str(n)),
            user_id=USER,
            channel=("email", "sms")[n % 2],
            category="marketing",
            campaign_label=("spring", None, "a|b")[n % 3],
            campaign_id=derived("campaign", "1") if n % 5 == 0 else None,
            variant="b" if n % 5 == 0 else None,
            is_test=n == 7,
            created_at=BASE,
        )
        yield BASE, queued
        for step, status in enumerate(courses[n % 6].split()):
            at = BASE + n * HOUR // 2 + step * 50 * 60_000
            said = replace(
                fact(status, at, derived("event", str(n), status), ("one", "two")[n % 4 // 2]),
                **{name: getattr(queued, name) for name in SHARED},
                created_at=BASE,
                cost=n * 250_000 if status == "sent" and n % 3 else None,
            )
            yield at + (9 * DAY if n % 11 == 10 else 5_000), said
    for n, outcome in enumerate(["repeated", "skipped", "rejected", "expired", "cancelled", "accepted"]):
        at = BASE + n * HOUR
        named = {"request_id": derived("request", "x", str(n)), "user_id": USER, "origin": str(n)}
        yield (
            at,
            replace(DECIDED, **named, outcome=outcome, received_at=at, decided_at=at, campaign_label="s"),
        )
    for n, channel in enumerate(["email", "all_marketing"]):
        at = BASE + n * HOUR
        yield at, Unsubscribed(event_id=derived("left", str(n)), user_id=USER, channel=channel, at=at)


async def told() -> tuple[dict[str, StatsRecord], list[RowRecord]]:
    """The real agents over the story: the last record of each key in the topic, and all rows."""
    memory, totals = Memory(MemoryTable(), MemoryTable(), MemoryTable()), MemoryTable[bytes, Any]()
    topic: dict[str, StatsRecord] = {}
    stored: list[RowRecord] = []
    for at, value in sorted(story(), key=lambda pair: pair[0]):
        outcomes = [one async for one in settle(FakeStream([FakeEvent(value, at=at)], now=at), memory)]
        stored += [one for one in outcomes if isinstance(one, MessageRow | RequestDecided | StatusLogged)]
        partials = [FakeEvent(one) for one in outcomes if isinstance(one, StatsPartial)]
        async for one in sum_up(FakeStream(partials, now=at), totals):
            if isinstance(one, StatsRecord):
                topic[key_of(one)] = one
            elif isinstance(one, StatsRow):
                stored.append(one)
    return topic, stored


def of_topic(topic: dict[str, StatsRecord], period: str) -> dict[Cell, int]:
    cells: Counter[Cell] = Counter()
    for record in topic.values():
        if record.period == period:
            where = (parse_rfc3339(record.timestamp), *record.dimensions.values())
            cells.update({(*where, metric): n for metric, n in record.metrics.items()})
    return {cell: n for cell, n in cells.items() if n}
