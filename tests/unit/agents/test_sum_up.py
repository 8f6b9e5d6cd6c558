"""The stats stage."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.sum_up import Outcome, sum_up
from schemas.records import (
    LabelPartial,
    LabelStats,
    LabelStatsForgotten,
    StatsDue,
    StatsForgotten,
    StatsPartial,
    StatsRecord,
    StatsRow,
)
from tables.totals import Totals, ends_at, key_of
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY, T0

Table = MemoryTable[bytes, Totals]

HOUR = StatsPartial(
    period="hour",
    starts_at=T0 - T0 % 3_600_000,
    channel_type="email",
    notification_type="order_confirmation",
    category="transactional",
    provider_name="first",
    counts={"sent": 1},
)
MINUTE = replace(HOUR, period="minute", starts_at=T0 - T0 % 60_000)
LABEL = LabelPartial(
    period="hour",
    starts_at=HOUR.starts_at,
    audience_label="spring:sale",
    campaign_label="spring",
    communication_id="sale",
    counts={"labelled": 2},
)


async def summed(table: Table, *values: Any, now: int = T0) -> list[Outcome]:
    table.now = now
    stream = FakeStream([FakeEvent(value) for value in values], now=now)
    return [outcome async for outcome in sum_up(stream, table)]


async def test_a_changed_window_is_published_once_per_batch_with_its_sum() -> None:
    table = Table()
    await summed(table, HOUR, HOUR)
    record, _ = await summed(table, HOUR, replace(HOUR, counts={"delivered": 2}), HOUR)
    assert isinstance(record, StatsRecord)
    assert (4, 2) == (record.metrics["sent"], record.metrics["delivered"])


async def test_windows_that_did_not_change_are_not_published() -> None:
    table = Table()
    await summed(table, HOUR)
    other = replace(HOUR, channel_type="sms")
    record, _ = await summed(table, other)
    assert isinstance(record, StatsRecord)
    assert "sms" == record.dimensions["channel_type"]


async def test_a_new_minute_sets_one_timer_and_an_old_one_none() -> None:
    table = Table()
    first = await summed(table, MINUTE)
    second = await summed(table, MINUTE)
    assert StatsDue(key=key_of(MINUTE), due_at=ends_at(MINUTE)) == first[0]
    assert [StatsRecord] == [type(outcome) for outcome in second]


@pytest.mark.spec("NS-EVT-OP-05")
async def test_a_minute_whose_time_is_over_leaves_a_tombstone() -> None:
    due = StatsDue(key=key_of(MINUTE), due_at=ends_at(MINUTE))
    assert [StatsForgotten(key=key_of(MINUTE))] == await summed(Table(), due, now=ends_at(MINUTE))


async def test_a_count_for_a_minute_that_is_gone_changes_nothing() -> None:
    table = Table()
    assert [] == await summed(table, MINUTE, now=ends_at(MINUTE))
    assert {} == table.rows


async def test_hours_are_corrected_long_after_their_minutes_are_gone() -> None:
    table = Table()
    await summed(table, HOUR)
    record, _ = await summed(table, HOUR, now=T0 + 30 * DAY)
    assert isinstance(record, StatsRecord)
    assert 2 == record.metrics["sent"]


async def test_an_hour_is_a_row_too_whose_version_grows() -> None:
    table = Table()
    found = [
        (await summed(table, HOUR, HOUR))[-1],
        (await summed(table, replace(HOUR, counts={"sent": -1})))[-1],
    ]
    assert all(isinstance(row, StatsRow) for row in found)
    told = [(row.version, row.counts) for row in found if isinstance(row, StatsRow)]
    assert [(T0 + 1, {"sent": 2}), (T0 + 2, {"sent": 1})] == told
    assert 1 == len({row.bucket_id for row in found if isinstance(row, StatsRow)})


async def test_days_and_minutes_are_no_rows() -> None:
    day = replace(HOUR, period="day", starts_at=T0 - T0 % DAY)
    found = [*await summed(Table(), day), *await summed(Table(), MINUTE)]
    assert StatsRow not in {type(outcome) for outcome in found}


async def test_counts_of_labels_are_published_beside_those_of_messages_and_are_no_rows() -> None:
    """Mutation tried: an hour of a label is a row too: fails."""
    table = Table()
    await summed(table, LABEL)
    found = await summed(table, LABEL, HOUR, replace(LABEL, counts={"seen": 1}))
    assert [LabelStats, StatsRecord, StatsRow] == [type(outcome) for outcome in found]
    record = found[0]
    assert isinstance(record, LabelStats)
    assert {"labelled": 4, "seen": 1, "withdrawn": 0} == record.metrics


async def test_the_tombstone_of_a_minute_of_a_label_is_one_of_labels() -> None:
    minute = replace(LABEL, period="minute", starts_at=MINUTE.starts_at)
    table = Table()
    due, _ = await summed(table, minute)
    assert StatsDue(key=key_of(minute), due_at=ends_at(MINUTE), is_of_label=True) == due
    assert [LabelStatsForgotten(key=key_of(minute))] == await summed(table, due, now=ends_at(MINUTE))
