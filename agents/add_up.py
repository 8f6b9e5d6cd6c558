"""The spending stage: what was spent, one sum for each channel, provider and campaign (NS-OPS-OP-12).

consumes  spending.costs (CostIncurred)
keeps     spent: the sums
emits     SpendingSummed (spending.sums), once for each scope of a batch
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tables.spent import KEPT_MS, add

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.ports import Stream, Table
    from schemas.records import CostIncurred, SpendingSummed


async def add_up(stream: Stream, spent: Table[bytes, SpendingSummed]) -> AsyncIterator[SpendingSummed]:
    """One batch of one task."""
    changed: dict[str, SpendingSummed] = {}
    async for event in stream:
        incurred: CostIncurred = event.value
        known = changed.get(incurred.of) or spent.get(incurred.of.encode())
        changed[incurred.of] = add(known, incurred, event.at)
    for of, summed in changed.items():
        spent.put(of.encode(), summed, expires_at=stream.now + KEPT_MS)
        yield summed
