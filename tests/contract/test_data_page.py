"""docs/data.md says what the code does; its queries run in tests/broker/test_postgres_statistics.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agents.sum_up import sum_up
from connectors.http.statistics import LONGEST_DAYS, PATH
from schemas.audience_topics import LABEL_STATS_KEPT_MS
from schemas.codec import encode_json
from schemas.ids import bucket_of
from schemas.records import CommunicationSeen, LabelStats
from schemas.statistics import LABEL_METRICS, METRICS, OTHERS, RATES
from tables.progress import LATE_MS
from tables.totals import DIMENSIONS, LABEL_DIMENSIONS, LIVES_MS, Totals, key_of
from tests import statistics_story as story
from tests.audiences import T0, Audience, asked, several, withdrawal
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY

TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
NAMED = set(re.findall(r"`(\w+)`", TEXT))


class Record:
    """One record of the topic."""

    def __init__(self, key: bytes, value: bytes | None) -> None:
        self.key = key
        self.value = value


class Consumer:
    """What the page needs of an aiokafka consumer, over records in memory: one at a time."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records
        self._next = 0

    def assignment(self) -> set[str]:
        return {"place"}

    async def end_offsets(self, places: set[str]) -> dict[str, int]:
        return dict.fromkeys(places, len(self._records))

    async def position(self, _place: str) -> int:
        return self._next

    async def getmany(self, timeout_ms: int) -> dict[str, list[Record]]:
        assert timeout_ms > 0
        self._next += 1
        return {"place": [self._records[self._next - 1]]}


def snippet(name: str) -> Any:
    """A function of the page."""
    names: dict[str, Any] = {}
    for code in re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        exec(code, names)  # noqa: S102 - a page of ours
    return names[name]


async def test_the_reading_of_the_topic_gives_the_last_value_of_each_hour() -> None:
    topic, _ = await story.told()
    last = [Record(key.encode(), encode_json(record)) for key, record in topic.items()]
    older = [Record(one.key, b'{"period": "hour", "metrics": {}}') for one in last]
    minutes = [Record(one.key, None) for one in last if one.key.startswith(b"minute|")]
    found = await snippet("hours")(Consumer([*older, *last, *minutes]))
    expected = [record for record in topic.values() if record.period == "hour"]
    assert expected
    assert [one.metrics for one in expected] == [one["metrics"] for one in found]


async def test_a_campaign_is_summed_from_the_last_values_of_its_labels() -> None:
    records = [Record(key_of(one).encode(), encode_json(one)) for one in await _of_labels()]
    hours = await snippet("hours")(Consumer(records))
    assert {
        "sale": {"labelled": 3, "seen": 1, "withdrawn": 0},
        "tea": {"labelled": 2, "seen": 0, "withdrawn": 2},
    } == snippet("by_communication")(hours, "spring")


async def _of_labels() -> list[LabelStats]:
    """`audience.stats` of two labels of a campaign, and one of another, told twice."""
    audience, totals = Audience(), MemoryTable[bytes, Totals]()
    users = [f"phone_id:{n}" for n in range(3)]
    tea = (asked("spring:tea", communication_id="tea"), users[:2])
    command, *chunks = several("u2", [(asked("summer:sale"), users[2:])])
    await audience.ask(*several("u1", [(asked(), users), tea]))
    await audience.ask(replace(command, campaign_label="summer"), *chunks)
    await audience.settle()
    first = await _told(audience, totals)
    seen = CommunicationSeen(
        bucket=bucket_of("phone_id:2"),
        user="phone_id:2",
        communication_id="sale",
        seen_at=T0,
        kept_until=T0 + DAY,
    )
    await audience.enlist(seen, seen)
    await audience.ask(withdrawal("w", "spring:tea"))
    await audience.settle()
    return first + await _told(audience, totals)


async def _told(audience: Audience, totals: MemoryTable[bytes, Totals]) -> list[LabelStats]:
    events = [FakeEvent(partial) for partial in audience.partials]
    audience.partials.clear()
    outcomes = [one async for one in sum_up(FakeStream(events, now=audience.now), totals)]
    return [one for one in outcomes if isinstance(one, LabelStats)]


@pytest.mark.parametrize("name", [*METRICS, *OTHERS, *DIMENSIONS, *RATES, *LABEL_METRICS, *LABEL_DIMENSIONS])
def test_every_metric_dimension_and_rate_is_named(name: str) -> None:
    assert name in NAMED


def test_the_numbers_of_the_page_are_those_in_force() -> None:
    numbers = {
        "for seven days": LATE_MS == 7 * DAY,
        "minutes 2 days": LIVES_MS["minute"] == 2 * DAY,
        "hours and days 400 days": LABEL_STATS_KEPT_MS == 400 * DAY,
        "up to 92 days": LONGEST_DAYS == 92,
        f"GET {PATH}": True,
    }
    assert [] == [text for text, holds in numbers.items() if text not in TEXT or not holds]


def test_the_page_has_six_questions_each_with_a_name() -> None:
    names = re.findall(r"^```sql\n-- (.+)$", TEXT, re.MULTILINE)
    assert 6 == len(set(names)) == TEXT.count("```sql")
