"""Figures of audiences as metrics and as log lines (CRM-OP-10, AUD-051)."""

from __future__ import annotations

import pytest
import structlog
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from connectors.audience_metrics import AudienceGauges, AudienceMetrics
from schemas.records import (
    AudienceLabel,
    LabelChanged,
    LabelCount,
    RequestCount,
    RequestProgress,
    UsersCounted,
)

ACCEPTED = 1_000_000


def progress(processed: int, failed: int = 0, *, total: int = 10) -> RequestProgress:
    count = RequestCount(
        audience_label="c:x", communication_id="x", total=total, processed=processed, failed=failed
    )
    return RequestProgress(request_id="r", updated_at=ACCEPTED + 2_500, accepted_at=ACCEPTED, counts=[count])


@pytest.mark.spec("CRM-040 CRM-OP-10")
def test_users_of_all_labels_of_a_batch_are_counted() -> None:
    """Mutation tried: the first count alone: fails."""
    registry = CollectorRegistry()
    counts = [
        LabelCount(audience_label="c:x", processed=3, failed=1),
        LabelCount(audience_label="c:y", processed=4, failed=2),
    ]
    AudienceMetrics(registry).counted(UsersCounted(upload_id="u", counts=counts))
    results = ("labelled", "failed")
    told = [registry.get_sample_value("carillon_audience_users_total", {"result": one}) for one in results]
    assert [7, 3] == told


@pytest.mark.spec("CRM-OP-10")
def test_the_lag_of_a_request_is_known_when_its_last_user_was_dealt_with() -> None:
    registry = CollectorRegistry()
    metrics = AudienceMetrics(registry)
    for told in (progress(0), progress(9), progress(8, failed=2), progress(0, total=0)):
        metrics.progressed(told)
    found = [registry.get_sample_value(f"carillon_audience_lag_seconds_{of}") for of in ("count", "sum")]
    assert [1, 2.5] == found


def test_what_an_older_version_accepted_has_no_lag() -> None:
    registry = CollectorRegistry()
    count = RequestCount(audience_label="c", communication_id="x", total=1, processed=1)
    AudienceMetrics(registry).progressed(RequestProgress(request_id="r", updated_at=5, counts=[count]))
    assert 0 == registry.get_sample_value("carillon_audience_lag_seconds_count")


@pytest.mark.spec("AUD-051")
def test_the_worker_logs_what_becomes_of_a_campaign_with_its_label() -> None:
    metrics = AudienceMetrics(CollectorRegistry())
    label = AudienceLabel(
        audience_label="c:x",
        campaign_label="c",
        communication_id="x",
        starts_at=0,
        ends_at=9,
        published_at=0,
        updated_at=0,
    )
    withdrawn = replace(label, withdrawn_at=3)
    with structlog.testing.capture_logs() as lines:
        metrics.changed(LabelChanged(label=label))
        metrics.progressed(progress(0))
        metrics.progressed(progress(10))
        metrics.changed(LabelChanged(label=withdrawn))
    expected = ["label_published", "labelling_began", "labelling_done", "label_withdrawn"]
    assert [f"audience_{event}" for event in expected] == [line["event"] for line in lines]
    assert {"c"} == {line["campaign_label"] for line in lines}


@pytest.mark.spec("CRM-040 CRM-OP-10")
def test_gauges_ask_at_each_scrape() -> None:
    registry, labels = CollectorRegistry(), ["a"]
    AudienceGauges(registry, is_up=lambda: False, labels=lambda: len(labels), oldest_s=lambda: 7.0)
    labels.append("b")
    names = ("edge_up", "labels", "oldest_age_seconds")
    assert [0, 2, 7] == [registry.get_sample_value(f"carillon_audience_{name}") for name in names]
