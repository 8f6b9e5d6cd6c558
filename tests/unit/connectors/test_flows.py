"""What one process counts of flows, and what it knows of holds."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from connectors import flows as module
from connectors.flow_metrics import FlowMetrics
from connectors.flows import MINUTE_MS, STALE_MS, FlowBook
from schemas.codec import Decoder, encode
from schemas.quarantine_words import flow_key
from schemas.records import AnomalyFound
from tests.flows import CODE, MINUTE, NAMED, SOURCE, counted, request

KEY = flow_key(SOURCE, CODE)


def book(registry: CollectorRegistry | None = None) -> FlowBook:
    metrics = FlowMetrics(registry or CollectorRegistry())
    return FlowBook("w", lambda code: code != "unknown", Decoder(AnomalyFound), metrics)


def told(*, is_held: bool = True, source: str = SOURCE, waiting: int = 0) -> bytes:
    named = {**NAMED, "source": source}
    return encode(AnomalyFound(**named, since=1, count=9, average=1, is_held=is_held, waiting=waiting))


def test_a_report_has_all_that_came_in_the_minute() -> None:
    one = book()
    one.count(request(1))
    one.count(request(2))
    assert [counted(2)] == one.reports(MINUTE + 1)
    assert [] == one.reports(MINUTE + 2)
    one.count(request(3))
    assert [counted(3)] == one.reports(MINUTE + MINUTE_MS - 1)


def test_a_new_minute_begins_at_nothing() -> None:
    one = book()
    one.count(request(1))
    one.reports(MINUTE)
    one.count(request(2))
    assert [counted(1, MINUTE + MINUTE_MS)] == one.reports(MINUTE + MINUTE_MS)


def test_a_report_that_did_not_arrive_is_made_anew() -> None:
    one = book()
    one.count(request(1))
    one.unheard(one.reports(MINUTE))
    one.count(request(2))
    assert [counted(2)] == one.reports(MINUTE + 1)
    one.unheard([counted(2)])
    assert [counted(2)] == one.reports(MINUTE + 2)


def test_requests_that_lay_unread_for_longer_than_a_minute_are_no_flood() -> None:
    """Twelve minutes without an intake held every flow. Mutation: they count."""
    one = book()
    one.count(replace(request(1), occurred_at=MINUTE - STALE_MS - 1, received_at=MINUTE))
    assert [] == one.reports(MINUTE)
    one.count(replace(request(2), occurred_at=MINUTE - STALE_MS, received_at=MINUTE))
    assert [counted(1)] == one.reports(MINUTE + 1)


def test_types_that_nobody_knows_are_not_told() -> None:
    one = book()
    one.count(request(1, notification_type="unknown"))
    assert [] == one.reports(MINUTE)


def test_a_report_tells_of_the_largest_flows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes up a name for each request makes no record of each."""
    monkeypatch.setattr(module, "MOST", 2)
    one = book()
    for name in ("a", "b", "b", "c", "c", "c"):
        one.count(request(1, source=name))
    assert [("c", 3), ("b", 2)] == [(each.source, each.count) for each in one.reports(MINUTE)]


def test_what_is_held_is_known_by_service_and_type_until_it_ends() -> None:
    one = book()
    assert not one.is_held(SOURCE, CODE)
    one.apply(KEY, told())
    assert one.is_held(SOURCE, CODE)
    assert not one.is_held("other", CODE)
    one.apply(KEY, None)
    assert not one.is_held(SOURCE, CODE)


def test_what_is_only_told_of_passes() -> None:
    one = book()
    one.apply(KEY, told(is_held=False))
    assert not one.is_held(SOURCE, CODE)


@pytest.mark.spec("NS-SEC-OP-07")
def test_gauges_say_how_many_are_anomalous_and_how_much_waits() -> None:
    registry = CollectorRegistry()
    one = book(registry)

    def shown(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"notification_type": CODE, **labels})

    one.apply(KEY, told(waiting=5))
    one.apply(b"other", told(source="other", is_held=False))
    assert (1, 1) == tuple(shown("carillon_anomalous_flows", kind=kind) for kind in ("held", "told"))
    assert 5 == shown("carillon_quarantined_requests")
    one.apply(KEY, None)
    assert (0, 1) == tuple(shown("carillon_anomalous_flows", kind=kind) for kind in ("held", "told"))
    assert 0 == shown("carillon_quarantined_requests")
