"""The one formula of rates."""

from __future__ import annotations

import pytest

from schemas.statistics import RATES, rates


@pytest.mark.spec("NS-STAT-OP-03")
def test_rates_are_of_sums_and_not_means_of_rates() -> None:
    found = rates(
        [
            {"sent": 100, "delivered": 90, "opened": 30, "clicked": 9, "unsubscribed": 1},
            {"sent": 10, "delivered": 1, "opened": 0},
        ]
    )
    assert {
        "delivery_rate": round(91 / 110, 4),
        "unreported_rate": 0.0,
        "open_rate": round(30 / 91, 4),
        "ctr": round(9 / 91, 4),
        "unsubscribe_rate": round(1 / 91, 4),
    } == found


@pytest.mark.spec("NS-CH-OP-05")
def test_who_reports_no_delivery_is_shown_and_not_counted_as_undelivered() -> None:
    found = rates([{"sent": 300}, {"sent": 100, "delivered": 98}])
    assert (0.98, 0.75) == (found["delivery_rate"], found["unreported_rate"])


def test_there_is_no_rate_of_nothing() -> None:
    assert dict.fromkeys(RATES) == rates([]) == rates([{"skipped": 3}])
