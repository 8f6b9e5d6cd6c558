"""The status stage: what statistics count of messages, and of users who leave."""

from __future__ import annotations

import pytest
from msgspec import json
from msgspec.structs import replace

from agents.settle import Outcome
from schemas.records import StatsPartial, Unsubscribed
from tests.messages import DAY, QUEUED, T0, fact
from tests.unit.agents.test_settle import NOW, Table, events, rows, settled

LEFT = Unsubscribed(
    event_id="e-1", user_id="user-1", channel="email", at=NOW - 5, reason="link", campaign="spring"
)


def partials(outcomes: list[Outcome]) -> list[StatsPartial]:
    return [one for one in outcomes if isinstance(one, StatsPartial) and one.period == "minute"]


@pytest.mark.spec("NS-EVT-OP-04")
async def test_a_user_who_left_a_channel_is_told_and_counted() -> None:
    outcomes = await settled(Table(), LEFT)
    (event,), (partial,) = events(outcomes), partials(outcomes)
    assert ("notification.unsubscribed", "e-1", "user-1", "email", "link", "spring") == (
        event.event_type,
        event.message_id,
        event.user_id,
        event.channel_type,
        event.data["reason"],
        event.data["campaign_label"],
    )
    assert ({"unsubscribed": 1}, "email", None, "spring") == (
        partial.counts,
        partial.channel_type,
        partial.category,
        partial.campaign_label,
    )


@pytest.mark.spec("NS-EVT-OP-04")
async def test_events_about_users_and_about_messages_have_one_form() -> None:
    (left,) = events(await settled(Table(), LEFT))
    (sent,) = events(await settled(Table(), QUEUED, fact("sent")))
    assert set(sent.data) == set(left.data)


async def test_who_left_all_marketing_left_no_channel() -> None:
    outcomes = await settled(Table(), replace(LEFT, channel="all_marketing"))
    (event,), (partial,) = events(outcomes), partials(outcomes)
    assert (None, None, "marketing") == (event.channel_type, partial.channel_type, partial.category)


async def test_who_left_more_than_seven_days_ago_counts_as_late() -> None:
    (partial,) = partials(await settled(Table(), replace(LEFT, at=NOW - 8 * DAY)))
    assert {"late": 1} == partial.counts


@pytest.mark.spec("NS-STAT-002")
async def test_a_message_counts_under_its_campaign_once_that_is_known() -> None:
    table = Table()
    (early,) = partials(await settled(table, fact("sent", T0 + 5)))
    moved = partials(await settled(table, replace(QUEUED, campaign_label="spring")))
    assert (None, {"sent": 1}) == (early.campaign_label, early.counts)
    assert {None: {"sent": -1}, "spring": {"sent": 1}} == {each.campaign_label: each.counts for each in moved}


async def test_what_is_sent_to_be_looked_at_is_told_and_not_counted() -> None:
    outcomes = await settled(Table(), replace(QUEUED, is_test=True), fact("sent", T0 + 5))
    (event,) = events(outcomes)
    assert event.data["is_test"]
    assert [] == partials(outcomes)
    assert ["[]", "[]"] == [row.counted for row in rows(outcomes)]


@pytest.mark.spec("NS-STAT-003")
async def test_a_row_says_what_statistics_count_of_it() -> None:
    (_, row) = rows(await settled(Table(), QUEUED, fact("delivered", T0 + 5)))
    expected = {("sent", T0 + 5, "first"), ("delivered", T0 + 5, "first")}
    assert expected == {tuple(cell) for cell in json.decode(row.counted)}
