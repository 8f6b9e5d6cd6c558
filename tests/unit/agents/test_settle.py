"""The status stage: rows, log, events and statistics of what is said about messages and requests."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from agents.settle import Memory, Outcome, settle
from schemas.records import (
    MessageRow,
    NotificationEvent,
    RequestDecided,
    StatsPartial,
    StatusLogged,
)
from tables.progress import KEEP_MS, Progress
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY, DECIDED, QUEUED, T0, fact

Table = MemoryTable[bytes, Progress]
NOW = T0 + 60_000


async def settled(table: Table, *values: Any, at: int = NOW) -> list[Outcome]:
    """What one batch of these records leads to."""
    stream = FakeStream([FakeEvent(value, at=at) for value in values], now=at)
    return [outcome async for outcome in settle(stream, Memory(table, MemoryTable(), MemoryTable()))]


def rows(outcomes: list[Outcome]) -> list[MessageRow]:
    return [outcome for outcome in outcomes if isinstance(outcome, MessageRow)]


def events(outcomes: list[Outcome]) -> list[NotificationEvent]:
    return [outcome for outcome in outcomes if isinstance(outcome, NotificationEvent)]


def minutes(outcomes: list[Outcome]) -> list[dict[str, int]]:
    found = (outcome for outcome in outcomes if isinstance(outcome, StatsPartial))
    return [partial.counts for partial in found if partial.period == "minute"]


async def test_a_queued_message_becomes_a_pending_row_and_a_line_of_the_log() -> None:
    row, line = await settled(Table(), QUEUED)
    assert isinstance(row, MessageRow)
    assert isinstance(line, StatusLogged)
    assert ("pending", 1, QUEUED.payload) == (row.status, row.version, row.payload)
    assert ("pending", QUEUED.message_id, T0, b"{}") == (
        line.status,
        line.message_id,
        line.message_created_at,
        line.details,
    )


@pytest.mark.spec("NS-SND-021 NS-SND-OP-08 NS-STAT-001 NS-STAT-005")
async def test_sent_is_a_row_a_line_an_event_and_a_count_in_each_period() -> None:
    table = Table()
    await settled(table, QUEUED)
    outcomes = await settled(table, fact("sent", T0 + 10))
    assert [MessageRow, StatusLogged, NotificationEvent, *[StatsPartial] * 3] == [type(o) for o in outcomes]
    assert [{"sent": 1}] == minutes(outcomes)


@pytest.mark.spec("NS-EVT-OP-04 NS-STAT-007")
async def test_the_event_lets_the_requesting_service_know_its_own_request() -> None:
    (event,) = events(await settled(Table(), QUEUED, fact("sent", T0 + 10)))
    assert ("notification.sent", QUEUED.message_id, "user-1", "email", "2025-05-21T12:34:56Z") == (
        event.event_type,
        event.message_id,
        event.user_id,
        event.channel_type,
        event.timestamp,
    )
    assert {
        "request_id": QUEUED.request_id,
        "source": "payments",
        "idempotency_key": "order-1",
        "notification_type": "order_confirmation",
        "campaign_id": None,
        "campaign_label": None,
        "variant": None,
        "is_test": False,
        "provider_name": "first",
        "attempt": 1,
        "reason": None,
    } == event.data


async def test_a_message_that_failed_before_its_channel_is_failed_at_once() -> None:
    failed = replace(QUEUED, status="failed", reason="no_template", detail="ru, en")
    outcomes = await settled(Table(), failed)
    assert [("failed", "no_template", 0)] == [(r.status, r.reason, r.attempts) for r in rows(outcomes)]
    assert ["notification.failed"] == [event.event_type for event in events(outcomes)]
    assert [{"failed": 1}] == minutes(outcomes)


@pytest.mark.spec("NS-DATA-116")
async def test_a_retry_is_logged_and_moves_nothing() -> None:
    retry = replace(fact("retrying"), reason="provider_unavailable", detail="421")
    outcomes = await settled(Table(), QUEUED, retry)
    line = outcomes[-1]
    assert isinstance(line, StatusLogged)
    details = {
        "attempt": 1,
        "epoch": 0,
        "reason": "provider_unavailable",
        "detail": "421",
        "provider": "first",
    }
    assert ("retrying", details) == (line.status, json.decode(line.details))
    assert ["pending", "pending"] == [row.status for row in rows(outcomes)]
    assert [] == events(outcomes)
    assert [] == minutes(outcomes)


async def test_a_repeat_leads_to_nothing() -> None:
    table = Table()
    await settled(table, QUEUED, fact("sent"))
    assert [] == await settled(table, QUEUED, fact("sent"))


@pytest.mark.spec("NS-STAT-OP-01")
async def test_a_failure_corrected_to_a_delivery_is_taken_back() -> None:
    table = Table()
    await settled(table, QUEUED, fact("failed", T0 + 1))
    outcomes = await settled(table, fact("delivered", T0 + 2))
    assert [{"delivered": 1, "failed": -1, "sent": 1}] == minutes(outcomes)
    assert ["notification.delivered"] == [event.event_type for event in events(outcomes)]


@pytest.mark.spec("NS-SND-OP-07")
async def test_a_bounce_after_the_delivery_stays_in_the_log_only() -> None:
    table = Table()
    await settled(table, QUEUED, fact("delivered", T0 + 1))
    outcomes = await settled(table, fact("failed", T0 + 2))
    assert [MessageRow, StatusLogged] == [type(outcome) for outcome in outcomes]
    assert "delivered" == rows(outcomes)[0].status


async def test_a_delivery_told_after_its_opening_moves_its_count_and_is_told() -> None:
    table = Table()
    await settled(table, QUEUED, fact("opened", T0 + 60_000))
    outcomes = await settled(table, fact("delivered", T0 + 10))
    assert ["notification.delivered"] == [event.event_type for event in events(outcomes)]
    assert [{"delivered": 1, "sent": 1}, {"delivered": -1, "sent": -1}] == minutes(outcomes)
    assert "opened" == rows(outcomes)[0].status


async def test_an_attempt_before_its_message_makes_a_blank_row_that_is_completed_later() -> None:
    table = Table()
    (early,) = rows(await settled(table, fact("sent", T0 + 5)))
    (full,) = rows(await settled(table, QUEUED))
    assert ("sent", b"", b"{}", 1) == (early.status, early.recipient, early.payload, early.version)
    assert ("sent", QUEUED.recipient, QUEUED.payload, 2) == (
        full.status,
        full.recipient,
        full.payload,
        full.version,
    )


@pytest.mark.spec("NS-STAT-OP-02")
@pytest.mark.parametrize("impossible", [T0 - 1, NOW + 1])
async def test_a_time_before_the_message_or_in_the_future_counts_as_the_receive_time(impossible: int) -> None:
    (row,) = rows(await settled(Table(), fact("sent", impossible)))
    assert NOW == row.sent_at


@pytest.mark.spec("NS-STAT-OP-02")
async def test_a_fact_older_than_seven_days_counts_only_as_late() -> None:
    table = Table()
    await settled(table, QUEUED, fact("sent", T0 + 1))
    outcomes = await settled(table, fact("opened", T0 + 2), at=T0 + 8 * DAY)
    assert [{"late": 1}] == minutes(outcomes)
    assert "opened" == rows(outcomes)[0].status


async def test_progress_is_kept_for_weeks_after_the_last_fact() -> None:
    table = Table()
    await settled(table, QUEUED)
    ((_, expires_at),) = table.rows.values()
    assert NOW + KEEP_MS == expires_at


@pytest.mark.parametrize("outcome", ["accepted", "waiting", "noted"])
async def test_what_has_messages_or_not_ended_passes_to_the_rows_without_an_event(outcome: str) -> None:
    decided = replace(DECIDED, outcome=outcome)
    assert [decided] == await settled(Table(), decided)


@pytest.mark.spec("NS-DATA-OP-21 NS-EVT-OP-04")
@pytest.mark.parametrize(
    ("outcome", "reason", "event_type", "told"),
    [
        ("repeated", None, "notification.skipped", "duplicate"),
        ("skipped", "no_consent", "notification.skipped", "no_consent"),
        ("rejected", "unknown_type", "notification.rejected", "unknown_type"),
        ("expired", "too_late", "notification.expired", "too_late"),
        ("cancelled", "cancelled_by_sender", "notification.cancelled", "cancelled_by_sender"),
        ("repeated", "key_reused", "notification.skipped", "key_reused"),
    ],
)
async def test_a_request_without_a_message_is_told_under_its_own_id(
    outcome: str, reason: str | None, event_type: str, told: str
) -> None:
    decided = replace(DECIDED, outcome=outcome, reason=reason)
    outcomes = await settled(Table(), decided)
    (event,) = events(outcomes)
    assert decided == outcomes[0]
    assert (event_type, DECIDED.request_id, None, told) == (
        event.event_type,
        event.message_id,
        event.channel_type,
        event.data["reason"],
    )
    assert [{event_type.removeprefix("notification."): 1}] == minutes(outcomes)


async def test_the_name_of_an_unknown_type_is_no_dimension() -> None:
    decided = replace(
        DECIDED, outcome="rejected", reason="unknown_type", notification_type="x" * 99, category=None
    )
    outcomes = await settled(Table(), decided)
    partials = [outcome for outcome in outcomes if isinstance(outcome, StatsPartial)]
    assert {None} == {partial.notification_type for partial in partials}


async def test_counts_of_a_batch_are_folded() -> None:
    others = [replace(QUEUED, message_id=f"m-{n}") for n in range(50)]
    facts = [replace(fact("sent", T0 + 5), message_id=other.message_id) for other in others]
    outcomes = await settled(Table(), *others, *facts)
    assert [{"sent": 50}] == minutes(outcomes)
    assert RequestDecided not in {type(outcome) for outcome in outcomes}
