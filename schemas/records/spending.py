"""What messages cost, on its way to the one place where it is summed (NS-OPS-OP-12), in millionths."""

from __future__ import annotations

from schemas.records.root import Record


class CostIncurred(Record, frozen=True, kw_only=True):
    """What one batch of a delivery task spent of one scope. Topic `spending.costs`, key = scope.

    `at`: by the clock of the worker that spent it.
    """

    of: str
    cost: int
    at: int


class SpendingSummed(Record, frozen=True, kw_only=True):
    """All that was ever spent of one scope. Topic `spending.sums`, key = scope; value of table `spent`.

    `day_at`, `month_at`: when the newest day and month began of which something was spent; `heard_at`: the
    newest `at` that is in the sum.
    """

    of: str
    day_at: int = 0
    of_day: int = 0
    month_at: int = 0
    of_month: int = 0
    in_all: int = 0
    heard_at: int = 0
