"""`GET …/stats/delivery`: who may ask, for what, and what is told (NS-API-060, NS-API-061, NS-API-065)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.statistics import PATH
from connectors.postgres.errors import PostgresUnavailableError
from connectors.statistics import Asked, Group
from schemas.statistics import METRICS
from schemas.times import parse_rfc3339
from tests.unit.connectors.http.edge import CAMPAIGNS_KEY, edge

MONTH = f"{PATH}?start_date=2026-11-01&end_date=2026-12-01"


def group(channel: str | None, kind: str | None, provider: str | None, **counts: int) -> Group:
    return Group(channel, kind, provider, dict.fromkeys(METRICS, 0) | counts)


class Store:
    """Answers the same for every period, and remembers what was asked."""

    def __init__(self, *groups: Group) -> None:
        self.groups = groups
        self.asked: list[Asked] = []

    async def __call__(self, asked: Asked) -> list[Group]:
        self.asked.append(asked)
        return list(self.groups)


async def away(_asked: Asked) -> list[Group]:
    raise PostgresUnavailableError("away")


async def asked(path: str, store: Any = None, **headers: str) -> tuple[int, Any]:
    async with edge(count_delivery=store or Store()) as one:
        status, body, _ = await one.ask("GET", path, **headers)
        return status, body


def hours(text: str) -> int:
    return parse_rfc3339(text)


@pytest.mark.spec("NS-API-060 NS-API-061 NS-STAT-004 NS-STAT-OP-03")
async def test_sums_rates_and_the_breakdown_have_the_form_of_the_specification() -> None:
    store = Store(
        group(
            "email",
            "promo",
            "one",
            sent=80,
            delivered=76,
            opened=19,
            clicked=4,
            unsubscribed=1,
            priced=80,
            cost_micros=240_000_000,
        ),
        group("email", "promo", "two", sent=20, failed=2),
        group(None, "promo", None, skipped=7),
    )
    status, body = await asked(MONTH, store)
    none = dict.fromkeys(METRICS, 0) | {"priced": 0, "cost_micros": None}
    line = none | {"channel_type": "email", "notification_type": "promo"}
    assert 200 == status
    assert {
        "period": {"start_date": "2026-11-01T00:00:00Z", "end_date": "2026-12-01T00:00:00Z"},
        "totals": {
            "sent": 100,
            "delivered": 76,
            "failed": 2,
            "opened": 19,
            "clicked": 4,
            "unsubscribed": 1,
            "skipped": 7,
            "priced": 80,
            "cost_micros": 240_000_000,
        },
        "rates": {
            "delivery_rate": 0.95,
            "unreported_rate": 0.2,
            "open_rate": 0.25,
            "ctr": 0.0526,
            "unmeasured_rate": 0.0,
            "unsubscribe_rate": 0.0132,
        },
        "breakdown": [
            line
            | {"sent": 100, "delivered": 76, "failed": 2, "opened": 19, "clicked": 4, "unsubscribed": 1}
            | {"priced": 80, "cost_micros": 240_000_000},
            none | {"channel_type": None, "notification_type": "promo", "skipped": 7},
        ],
    } == body


async def test_a_period_of_which_nothing_is_known_has_zeros_and_no_rates() -> None:
    _, body = await asked(MONTH)
    assert ({0, None}, None) == ({*body["totals"].values()}, body["totals"]["cost_micros"])
    assert ({None}, []) == ({*body["rates"].values()}, body["breakdown"])


@pytest.mark.spec("NS-API-OP-18")
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-11-01", "2026-11-02", ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")),
        (
            "2026-11-01T10:59:59.9Z",
            "2026-11-01T11:00:00.001Z",
            ("2026-11-01T10:00:00Z", "2026-11-01T12:00:00Z"),
        ),
        (
            "2026-11-01T03:00:00%2B03:00",
            "2026-11-01T01:00:00Z",
            ("2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z"),
        ),
    ],
    ids=["days", "begun hours", "an offset"],
)
async def test_times_are_whole_hours_of_utc_and_the_answer_says_which(
    start: str, end: str, expected: tuple[str, str]
) -> None:
    store = Store()
    _, body = await asked(f"{PATH}?start_date={start}&end_date={end}", store)
    assert expected == (body["period"]["start_date"], body["period"]["end_date"])
    assert [Asked(hours(expected[0]), hours(expected[1]))] == store.asked


@pytest.mark.spec("NS-API-060")
async def test_filters_go_to_the_database() -> None:
    store = Store()
    await asked(f"{MONTH}&channel_type=sms&notification_type=one%20time", store)
    assert [("sms", "one time")] == [each[2:] for each in store.asked]


@pytest.mark.spec("NS-API-OP-18")
@pytest.mark.parametrize(
    ("query", "about"),
    [
        ("", "start_date: is missing"),
        ("?start_date=2026-11-01", "end_date: is missing"),
        ("?start_date=yesterday&end_date=2026-11-02", "start_date: no RFC 3339 time with an offset"),
        (
            "?start_date=2026-11-01T00:00:00&end_date=2026-11-02",
            "start_date: no RFC 3339 time with an offset",
        ),
        ("?start_date=2026-11-02&end_date=2026-11-02", "end_date: must be later than start_date"),
        ("?start_date=2026-08-01&end_date=2026-11-02", "end_date: at most 92 days after start_date"),
        ("?start_date=2026-11-01&end_date=2026-11-02&channel_type=fax", "channel_type: is none"),
        ("?start_date=2026-11-01&end_date=2026-11-02&notification_type=", "notification_type: is none"),
        ("?start_date=2026-11-01&end_date=2026-11-02&chanel_type=sms", "chanel_type: is unknown"),
    ],
)
async def test_what_cannot_be_counted_is_refused_with_its_parameter(query: str, about: str) -> None:
    store = Store()
    status, body = await asked(f"{PATH}{query}", store)
    assert 400 == status
    assert about in [fault["detail"] for fault in body["errors"]]
    assert [] == store.asked


@pytest.mark.spec("NS-API-OP-18")
async def test_ninety_two_days_may_be_asked_for() -> None:
    status, _ = await asked(f"{PATH}?start_date=2026-08-01&end_date=2026-11-01")
    assert 200 == status


@pytest.mark.spec("NS-API-065")
async def test_a_key_without_the_scope_is_refused() -> None:
    status, _ = await asked(MONTH, Authorization=f"Bearer {CAMPAIGNS_KEY}")
    assert 403 == status


async def test_without_the_database_it_may_be_asked_again() -> None:
    status, body = await asked(MONTH, away)
    assert (503, "database_unavailable") == (status, body["code"])
