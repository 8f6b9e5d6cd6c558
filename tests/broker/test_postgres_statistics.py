"""The same facts give the same sums in the topic, in the hours of Postgres, in the rows, and over HTTP."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connectors.http.statistics import told
from connectors.postgres.database import Database
from connectors.postgres.statistics import StoredStatistics
from connectors.statistics import Asked
from schemas.records import StatsRow
from schemas.statistics import ASKED, METRICS, OTHERS
from tests import statistics_story as story
from tests.messages import DAY
from tests.sample_rows import migrated
from tests.written_rows import rows, write


async def of_hours(postgres: Database) -> dict[story.Cell, int]:
    found = await rows(postgres, "SELECT * FROM notification_stats")
    cells = {
        (_ms(row["starts_at"]), *(row[name] for name in (*story.NAMES, "provider_name")), metric): row[metric]
        for row in found
        for metric in (*METRICS, *OTHERS)
    }
    return {cell: n for cell, n in cells.items() if n}


async def of_rows(postgres: Database) -> dict[story.Cell, int]:
    names = ", ".join((*story.NAMES, "provider_name", "metric"))
    hour = f"date_trunc('hour', counted_at) AS hour, {names}"
    query = f"SELECT {hour}, count(*) AS n FROM notification_counts"  # noqa: S608
    costs = f"""SELECT {hour.replace("metric", "'cost_micros' AS metric")}, (sum(cost) * 1000000)::BIGINT AS n
        FROM (SELECT c.*, m.cost FROM notification_counts AS c
            JOIN notification_messages AS m USING (message_uuid, created_at)) AS p
        WHERE p.metric = 'priced'"""  # noqa: S608
    found = await rows(postgres, f"{query} GROUP BY hour, {names}")
    found += await rows(postgres, f"{costs} GROUP BY hour, {names}")
    cells: dict[story.Cell, int] = {}
    for row in found:
        cells[_ms(row.pop("hour")), *(row[name] for name in row if name != "n")] = row["n"]
    return cells


def _ms(at: Any) -> int:
    return int(at.timestamp() * 1000)


@pytest.fixture
async def postgres(database: str) -> Any:
    async with migrated(database) as opened:
        yield opened


@pytest.mark.spec("NS-STAT-006 NS-STAT-OP-02")
async def test_topic_hours_rows_and_api_agree(postgres: Database) -> None:
    """Mutations: the view leaves out requests; `write_stats` keeps the first version; a stub's `counted`."""
    topic, stored = await story.told()
    refused = (await write(postgres, stored)).refused
    hours = story.of_topic(topic, "hour")
    named = {cell: n for cell, n in hours.items() if cell[-1] != "unsubscribed"}
    assert 0 == refused
    assert {*METRICS, *OTHERS} == {cell[-1] for cell in hours}
    assert hours == await of_hours(postgres)
    assert named == await of_rows(postgres)
    asked = Asked(story.BASE, story.BASE + 30 * DAY)
    answer = told(asked, await StoredStatistics(postgres).delivery(asked))
    sums = Counter(dict.fromkeys(ASKED, 0))
    for cell, n in hours.items():
        sums[cell[-1]] += n
    assert {metric: sums[metric] for metric in ASKED} == {m: getattr(answer.totals, m) for m in ASKED}
    for channel in (None, "email", "sms"):
        of_it = [line for line in answer.breakdown if line.channel_type == channel]
        cells = [n for cell, n in hours.items() if (cell[1], cell[-1]) == (channel, "sent")]
        assert sum(cells) == sum(line.sent for line in of_it)


async def test_a_day_is_the_sum_of_its_hours() -> None:
    topic, _ = await story.told()
    days: Counter[story.Cell] = Counter()
    for (at, *rest), n in story.of_topic(topic, "hour").items():
        days[(at - at % DAY, *rest)] += n
    assert days == story.of_topic(topic, "day")


async def test_an_hour_never_goes_back(postgres: Database) -> None:
    _, stored = await story.told()
    buckets = [one for one in stored if isinstance(one, StatsRow)]
    await write(postgres, buckets)
    before = await of_hours(postgres)
    await write(postgres, buckets[: len(buckets) // 2])
    assert before == await of_hours(postgres)


async def test_filters_leave_out_what_is_of_others(postgres: Database) -> None:
    _, stored = await story.told()
    await write(postgres, stored)
    statistics = StoredStatistics(postgres)
    whole = Asked(story.BASE, story.BASE + 30 * DAY)
    assert {"sms"} == {
        group.channel_type for group in await statistics.delivery(whole._replace(channel_type="sms"))
    }
    assert [] == await statistics.delivery(whole._replace(notification_type="another"))
    assert [] == await statistics.delivery(Asked(story.BASE + 25 * DAY, story.BASE + 30 * DAY))


PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
QUERIES = dict(re.findall(r"```sql\n-- ([^\n]+)\n(.*?);\n```", PAGE, re.DOTALL))


@pytest.mark.spec("NS-STAT-002")
async def test_the_queries_of_the_page_say_what_the_topic_says(postgres: Database) -> None:
    topic, stored = await story.told()
    hours = story.of_topic(topic, "hour")
    await write(postgres, stored)
    found = {name: await rows(postgres, query) for name, query in QUERIES.items()}
    by_channel = _sums(hours, 1, "sent", "delivered", "failed")
    assert {None: (0, 0, 0)} | {
        row["channel_type"]: (row["sent"], row["delivered"], row["failed"])
        for row in found["delivery by channel"]
    } == by_channel
    assert {1} == {row["delivery_rate"] + row["unreported_rate"] >= 0 for row in found["delivery by channel"]}
    by_label = _sums(hours, 5, "delivered", "opened", "clicked")
    assert {
        row["campaign_label"]: (
            row["delivered"],
            *(round((row[rate] or 0) * row["delivered"]) for rate in ("open_rate", "ctr")),
        )
        for row in found["rates by campaign"]
    } == {label: sums for label, sums in by_label.items() if label is not None}
    assert sum(each[0] for each in by_channel.values()) == sum(row["sent"] for row in found["days in Moscow"])
    assert {21} == {row["day"].hour for row in found["days in Moscow"]}
    assert sum(each[2] for each in by_channel.values()) == sum(
        row["messages"] for row in found["failures by reason"]
    )
    assert {
        row["provider_name"]: (row["sent"], row["priced"], row["cost"] * 1_000_000)
        for row in found["costs by provider"]
    } == {
        name: sums
        for name, sums in _sums(hours, 7, "sent", "priced", "cost_micros").items()
        if name is not None
    }
    assert [] == found["what disagrees"]


async def test_what_disagrees_is_shown(postgres: Database) -> None:
    _, stored = await story.told()
    await write(postgres, [one for one in stored if not isinstance(one, StatsRow)])
    assert await rows(postgres, QUERIES["what disagrees"])


def _sums(hours: dict[story.Cell, int], place: int, *metrics: str) -> dict[Any, tuple[int, ...]]:
    """By the value of one dimension."""
    values = {cell[place] for cell in hours}
    return {
        value: tuple(
            sum(n for cell, n in hours.items() if (cell[place], cell[-1]) == (value, metric))
            for metric in metrics
        )
        for value in values
    }
