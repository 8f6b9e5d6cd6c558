"""What is counted of decisions: only what an operator must hear of."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from connectors.request_metrics import REQUESTS_OVER_LIMIT, RequestMetrics
from schemas.records import RequestDecided
from schemas.words import Lane, Outcome, Reason


def decision(outcome: Outcome, reason: Reason | None) -> RequestDecided:
    return RequestDecided(
        request_id="r",
        source="auth-service",
        idempotency_key="k",
        user_id="u",
        notification_type="password_reset",
        category=None,
        lane=Lane.HIGH,
        received_at=1,
        decided_at=1,
        outcome=outcome,
        reason=reason,
        origin="t/0/0",
    )


@pytest.mark.spec("NS-SEC-OP-05")
@pytest.mark.parametrize(
    ("outcome", "reason", "expected"),
    [
        (Outcome.ACCEPTED, Reason.OVER_LIMIT, 1.0),
        (Outcome.ACCEPTED, None, None),
        (Outcome.ACCEPTED, Reason.ACCOUNT_AWAY, None),
        (Outcome.SKIPPED, Reason.FREQUENCY_CAPPED, None),
    ],
)
def test_a_mandatory_request_beyond_the_limit_is_counted_by_its_type(
    outcome: Outcome, reason: Reason | None, expected: float | None
) -> None:
    registry = CollectorRegistry()
    RequestMetrics(registry).decided(decision(outcome, reason))
    name, labels = REQUESTS_OVER_LIMIT.name, {"notification_type": "password_reset"}
    assert expected == registry.get_sample_value(name, labels)
