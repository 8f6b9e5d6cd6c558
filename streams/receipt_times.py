"""How soon providers report: counted where receipts are heard, known where a provider is chosen.

status ─► what a worker counts ─► receipts.counts ─► every worker ─► the choice of a provider
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.clock import now_ms
from connectors.receipt_metrics import PunctualityMetrics
from connectors.receipt_times import ReceiptTimes
from schemas import topics as t
from schemas.codec import Decoder
from schemas.punctuality import ReceiptsCounted
from streams.engine.reference import GlobalTable
from streams.reporting import Reporting, Reports, life_of

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from schemas.codec import SchemaBook
    from streams.engine.api import EngineConfig


class ReceiptEnds(Reporting[ReceiptsCounted]):
    """What one worker counts and what it knows of all, and what joins it to the topic."""

    def __init__(self, config: EngineConfig, book: SchemaBook, registry: CollectorRegistry) -> None:
        """`book`: schemas of other versions of counts."""
        self._decode = Decoder(ReceiptsCounted, book=book)
        self.times = times = ReceiptTimes(life_of(config), PunctualityMetrics(registry), now_ms)
        counts = GlobalTable(config, t.RECEIPT_COUNTS, self._counted, from_end=True)
        super().__init__(
            config,
            counts,
            Reports(
                topic=t.RECEIPT_COUNTS,
                key=lambda counted: counted.account.encode(),
                made=lambda _is_beat: times.reports(),
                unheard=times.unheard,
            ),
        )

    def _counted(self, _key: bytes, value: bytes | None) -> None:
        if value is not None:
            self.times.heard(self._decode(value))
