"""The one formula of rates."""

from __future__ import annotations

import pytest

from schemas.statistics import RATES, rates


@pytest.mark.spec("NS-STAT-OP-03")
def test_rates_are_of_sums_and_not_means_of_rates() -> None:
    found = rates(
        [
            {"sent": 100, "delivered": 90, "opened": 30, "clicked": 9, "unsubscribed": 1},
            {"sent": 10, "delivered": 1, "opened": 1},
        ]
    )
    assert {
        "delivery_rate": round(91 / 110, 4),
        "unreported_rate": 0.0,
        "open_rate": round(31 / 91, 4),
        "ctr": round(9 / 90, 4),
        "unmeasured_rate": 0.0,
        "unsubscribe_rate": round(1 / 91, 4),
    } == found


@pytest.mark.spec("NS-CH-OP-05")
def test_who_reports_no_delivery_is_shown_and_not_counted_as_undelivered() -> None:
    found = rates([{"sent": 300}, {"sent": 100, "delivered": 98}])
    assert (0.98, 0.75) == (found["delivery_rate"], found["unreported_rate"])


@pytest.mark.spec("NS-CH-OP-05")
def test_who_reports_no_opening_is_shown_and_not_counted_as_unread() -> None:
    measured = {"sent": 100, "delivered": 80, "opened": 40, "clicked": 4}
    found = rates([measured, {"sent": 20, "delivered": 20}])
    assert (0.5, 0.05, 0.2) == (found["open_rate"], found["ctr"], found["unmeasured_rate"])
    alone = rates([{"sent": 20, "delivered": 20}])
    assert (None, None, 1.0) == (alone["open_rate"], alone["ctr"], alone["unmeasured_rate"])


def test_there_is_no_rate_of_nothing() -> None:
    assert dict.fromkeys(RATES) == rates([]) == rates([{"skipped": 3}])
