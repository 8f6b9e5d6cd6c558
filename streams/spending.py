"""What messages cost, summed in one place for all workers: the stage, and its end in each worker.

delivery-* ─► spending.costs ─ spending ─► spending.sums ─► every worker's purse ─► the choice of a provider
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.add_up import add_up
from connectors.budget_metrics import BudgetMetrics
from connectors.clock import now_ms
from connectors.purse import Purse
from schemas import records as r
from schemas import topics as t
from schemas.codec import Decoder
from streams.engine.api import Input, Stage
from streams.engine.reference import GlobalTable
from streams.wiring import to

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from schemas.codec import SchemaBook
    from streams.engine.api import EngineConfig
    from streams.settings import Settings
    from streams.topology import Outside


def spending_stage(settings: Settings, outside: Outside) -> Stage:
    """Sums what was spent (agents/add_up.py)."""
    reading = outside.reading
    return Stage(
        name="spending",
        inputs=(Input(t.SPENDING_COSTS, reading.records(r.CostIncurred), urgent=True),),
        agent=lambda stream, tables: add_up(stream, tables["spent"]),
        routes={r.SpendingSummed: (to(t.SPENDING_SUMS, key=scope_key),)},
        tables=(reading.table("spent", 1, r.SpendingSummed),),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )


def scope_key(record: r.CostIncurred | r.SpendingSummed) -> bytes:
    """Key of both topics."""
    return record.of.encode()


class Spending:
    """This worker's purse, and the sums that it goes by."""

    def __init__(
        self,
        config: EngineConfig,
        budget: Callable[[str], r.SpendingBudget | None],
        book: SchemaBook,
        registry: CollectorRegistry,
    ) -> None:
        """`budget`: the one of a scope; `book`: schemas of other versions of sums."""
        self._decode = Decoder(r.SpendingSummed, book=book)
        self.purse = Purse(budget, BudgetMetrics(registry), now_ms)
        self._sums = GlobalTable(config, t.SPENDING_SUMS, self._summed)

    async def start(self) -> None:
        """Know all sums before anything is decided."""
        await self._sums.start()

    async def stop(self) -> None:
        """Read no more."""
        await self._sums.stop()

    def _summed(self, _key: bytes, value: bytes | None) -> None:
        if value is not None:
            self.purse.summed(self._decode(value))
