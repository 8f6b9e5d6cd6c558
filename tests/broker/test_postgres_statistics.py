"""The same facts give the same sums in the topic, in the hours of Postgres, in the rows, and over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from agents.settle import Memory, settle
from agents.sum_up import sum_up
from connectors.http.statistics import told
from connectors.postgres.database import Database
from connectors.postgres.row_columns import RowRecord
from connectors.postgres.statistics import StoredStatistics
from connectors.statistics import Asked
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
from schemas.statistics import METRICS, OTHERS
from schemas.times import parse_rfc3339
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY, DECIDED, QUEUED, T0, fact
from tests.sample_rows import USER, migrated
from tests.written_rows import rows, write

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


async def run() -> tuple[dict[str, StatsRecord], list[RowRecord]]:
    """The real agents over the story: the last record of each key in the topic, and all rows."""
    memory, totals = Memory(MemoryTable(), MemoryTable()), MemoryTable[bytes, Any]()
    topic: dict[str, StatsRecord] = {}
    stored: list[RowRecord] = []
    for at, value in sorted(story(), key=lambda pair: pair[0]):
        told_of = [one async for one in settle(FakeStream([FakeEvent(value, at=at)], now=at), memory)]
        stored += [one for one in told_of if isinstance(one, MessageRow | RequestDecided | StatusLogged)]
        partials = [FakeEvent(one) for one in told_of if isinstance(one, StatsPartial)]
        async for one in sum_up(FakeStream(partials, now=at), totals):
            if isinstance(one, StatsRecord):
                topic["|".join([one.period, one.timestamp, repr(one.dimensions)])] = one
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


async def of_hours(postgres: Database) -> dict[Cell, int]:
    found = await rows(postgres, "SELECT * FROM notification_stats")
    cells = {
        (_ms(row["starts_at"]), *(row[name] for name in (*NAMES, "provider_name")), metric): row[metric]
        for row in found
        for metric in (*METRICS, *OTHERS)
    }
    return {cell: n for cell, n in cells.items() if n}


async def of_rows(postgres: Database) -> dict[Cell, int]:
    names = ", ".join((*NAMES, "provider_name", "metric"))
    query = f"SELECT date_trunc('hour', counted_at) AS hour, {names}, count(*) AS n FROM notification_counts"  # noqa: S608
    found = await rows(postgres, f"{query} GROUP BY hour, {names}")
    return {(_ms(row.pop("hour")), *(row[n] for n in row if n != "n")): row["n"] for row in found}


def _ms(at: Any) -> int:
    return round(at.timestamp() * 1000)


@pytest.fixture
async def postgres(database: str) -> Any:
    async with migrated(database) as opened:
        yield opened


async def test_topic_hours_rows_and_api_agree(postgres: Database) -> None:
    """Mutations: the view leaves out requests; `write_stats` keeps the first version; a stub's `counted`."""
    topic, stored = await run()
    refused = (await write(postgres, stored)).refused
    hours = of_topic(topic, "hour")
    named = {cell: n for cell, n in hours.items() if cell[-1] != "unsubscribed"}
    assert 0 == refused
    assert {*METRICS, *OTHERS} == {cell[-1] for cell in hours}
    assert hours == await of_hours(postgres)
    assert named == await of_rows(postgres)
    asked = Asked(BASE, BASE + 30 * DAY)
    answer = told(asked, await StoredStatistics(postgres).delivery(asked))
    sums = Counter(dict.fromkeys(METRICS, 0))
    for cell, n in hours.items():
        sums[cell[-1]] += n
    assert {metric: sums[metric] for metric in METRICS} == {m: getattr(answer.totals, m) for m in METRICS}
    for channel in (None, "email", "sms"):
        of_it = [line for line in answer.breakdown if line.channel_type == channel]
        cells = [n for cell, n in hours.items() if (cell[1], cell[-1]) == (channel, "sent")]
        assert sum(cells) == sum(line.sent for line in of_it)


async def test_a_day_is_the_sum_of_its_hours() -> None:
    topic, _ = await run()
    days: Counter[Cell] = Counter()
    for (at, *rest), n in of_topic(topic, "hour").items():
        days[(at - at % DAY, *rest)] += n
    assert days == of_topic(topic, "day")


async def test_an_hour_never_goes_back(postgres: Database) -> None:
    _, stored = await run()
    buckets = [one for one in stored if isinstance(one, StatsRow)]
    await write(postgres, buckets)
    before = await of_hours(postgres)
    await write(postgres, buckets[: len(buckets) // 2])
    assert before == await of_hours(postgres)


async def test_filters_leave_out_what_is_of_others(postgres: Database) -> None:
    _, stored = await run()
    await write(postgres, stored)
    statistics = StoredStatistics(postgres)
    whole = Asked(BASE, BASE + 30 * DAY)
    assert {"sms"} == {
        group.channel_type for group in await statistics.delivery(whole._replace(channel_type="sms"))
    }
    assert [] == await statistics.delivery(whole._replace(notification_type="another"))
    assert [] == await statistics.delivery(Asked(BASE + 25 * DAY, BASE + 30 * DAY))
