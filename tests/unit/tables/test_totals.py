"""Totals of a window and the record they make."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import LabelPartial, LabelStats, StatsPartial
from tables.totals import Totals, ends_at, key_of
from tests.messages import DAY, T0

HOUR = StatsPartial(
    period="hour",
    starts_at=T0 - T0 % 3_600_000,
    channel_type="email",
    notification_type="order_confirmation",
    category="transactional",
    provider_name=None,
    counts={"sent": 2, "unknown": 1},
)


def test_counts_are_added_by_metric() -> None:
    total = Totals(counts={"sent": 1, "failed": 1}).add({"failed": -1, "delivered": 2}, T0)
    assert {"sent": 1, "failed": 0, "delivered": 2} == total.counts


def test_a_version_grows_though_the_row_lost_it_and_under_any_clock() -> None:
    """A worker of an older version writes rows without one. Mutation: one more than before."""
    first = Totals().add({"sent": 1}, T0)
    again = replace(first, version=0).add({"sent": 1}, T0 + 1)
    behind = again.add({"sent": 1}, T0 - DAY)
    assert [T0, T0 + 1, T0 + 2] == [each.version for each in (first, again, behind)]


@pytest.mark.spec("NS-EVT-031 NS-EVT-032 NS-EVT-OP-05 NS-EVT-OP-13")
def test_the_record_has_every_named_metric_and_every_dimension() -> None:
    record = Totals(counts=HOUR.counts).record(HOUR)
    assert ("hour", "2025-05-21T12:00:00Z") == (record.period, record.timestamp)
    assert {
        "sent": 2,
        "delivered": 0,
        "failed": 0,
        "opened": 0,
        "clicked": 0,
        "unsubscribed": 0,
        "skipped": 0,
        "unknown": 1,
    } == record.metrics
    assert {
        "channel_type": "email",
        "notification_type": "order_confirmation",
        "category": "transactional",
        "campaign_id": None,
        "campaign_label": None,
        "variant": None,
        "provider_name": None,
    } == record.dimensions


@pytest.mark.spec("NS-EVT-OP-05")
def test_partial_and_record_of_a_window_have_one_key() -> None:
    expected = "hour|2025-05-21T12:00:00Z|email|order_confirmation|transactional||||"
    assert expected == key_of(HOUR) == key_of(Totals().record(HOUR))


def test_names_with_bars_never_share_a_key() -> None:
    one, two = (
        replace(HOUR, campaign_label="a|b", variant=None),
        replace(HOUR, campaign_label="a", variant="b"),
    )
    three = replace(HOUR, campaign_label="a%7Cb")
    assert 3 == len({key_of(each) for each in (one, two, three)})
    assert key_of(one) == key_of(Totals().record(one))


def test_the_row_has_the_dimensions_of_the_record() -> None:
    row, record = Totals(counts={"sent": 2}, version=7).row(HOUR), Totals().record(HOUR)
    assert record.dimensions == {name: getattr(row, name) for name in record.dimensions}
    assert (7, HOUR.starts_at, {"sent": 2}) == (row.version, row.starts_at, row.counts)


def test_minutes_end_after_two_days_and_hours_later() -> None:
    minute = StatsPartial(
        period="minute",
        starts_at=T0,
        channel_type=None,
        notification_type=None,
        category=None,
        provider_name=None,
        counts={},
    )
    assert T0 + 2 * DAY == ends_at(minute)
    assert HOUR.starts_at + 35 * DAY == ends_at(HOUR)


LABEL = LabelPartial(
    period="hour",
    starts_at=HOUR.starts_at,
    audience_label="spring:sale",
    campaign_label="spring",
    communication_id="sale",
    counts={"labelled": 2},
)


def test_a_label_has_three_metrics_and_what_it_is_of() -> None:
    assert LabelStats(
        period="hour",
        timestamp="2025-05-21T12:00:00Z",
        metrics={"labelled": 2, "seen": 0, "withdrawn": 0},
        dimensions={"audience_label": "spring:sale", "campaign_label": "spring", "communication_id": "sale"},
    ) == Totals(counts=LABEL.counts).record(LABEL)


def test_the_key_of_a_label_is_the_label_whatever_else_is_known_of_it() -> None:
    """A worker of an older version tells less. Mutation tried: all dimensions are in the key: fails."""
    older = replace(LABEL, campaign_label=None, communication_id=None)
    assert "hour|2025-05-21T12:00:00Z|spring:sale" == key_of(LABEL) == key_of(older)
    assert key_of(LABEL) == key_of(Totals().record(LABEL))


def test_a_label_and_a_message_never_share_a_key() -> None:
    nothing = replace(HOUR, channel_type="spring:sale", notification_type=None, category=None)
    barred = replace(LABEL, audience_label="spring:sale||||||")
    assert 3 == len({key_of(each) for each in (nothing, LABEL, barred)})
