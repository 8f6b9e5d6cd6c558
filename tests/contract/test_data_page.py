"""docs/data.md says what the code does; its queries run in tests/broker/test_postgres_statistics.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from connectors.http.statistics import LONGEST_DAYS, PATH
from schemas.codec import encode_json
from schemas.statistics import METRICS, OTHERS, RATES
from tables.progress import LATE_MS
from tables.totals import DIMENSIONS, LIVES_MS
from tests import statistics_story as story
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


def snippet() -> Any:
    """The function of the page."""
    (code,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - a page of ours
    return names["hours"]


async def test_the_reading_of_the_topic_gives_the_last_value_of_each_hour() -> None:
    topic, _ = await story.told()
    last = [Record(key.encode(), encode_json(record)) for key, record in topic.items()]
    older = [Record(one.key, b'{"period": "hour", "metrics": {}}') for one in last]
    minutes = [Record(one.key, None) for one in last if one.key.startswith(b"minute|")]
    found = await snippet()(Consumer([*older, *last, *minutes]))
    expected = [record for record in topic.values() if record.period == "hour"]
    assert expected
    assert [one.metrics for one in expected] == [one["metrics"] for one in found]


@pytest.mark.parametrize("name", [*METRICS, *OTHERS, *DIMENSIONS, *RATES])
def test_every_metric_dimension_and_rate_is_named(name: str) -> None:
    assert name in NAMED


def test_the_numbers_of_the_page_are_those_in_force() -> None:
    numbers = {
        "for seven days": LATE_MS == 7 * DAY,
        "minutes 2 days": LIVES_MS["minute"] == 2 * DAY,
        "up to 92 days": LONGEST_DAYS == 92,
        f"GET {PATH}": True,
    }
    assert [] == [text for text, holds in numbers.items() if text not in TEXT or not holds]


def test_the_page_has_five_questions_each_with_a_name() -> None:
    names = re.findall(r"^```sql\n-- (.+)$", TEXT, re.MULTILINE)
    assert 5 == len(set(names)) == TEXT.count("```sql")
