"""Receipts go on as they were read; what is none is counted."""

from __future__ import annotations

from schemas.receipts import ReceiptsLeft, ReceiptsRead
from tests.arrivals import take
from tests.unit.agents.test_hear import heard


async def test_each_event_goes_on_and_the_rest_is_counted() -> None:
    both = (heard("delivered"), heard("opened"))
    assert [*both, ReceiptsLeft("mail", 2, 1)] == await take(ReceiptsRead("mail", both, 2, 1))
