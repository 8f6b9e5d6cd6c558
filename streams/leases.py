"""One rate per provider account, over all workers: the stage that shares it out, and its ends in each worker.

    calls that wait ─► rates.demands ─ rates ─► rates.grants ─► calls that go

Reports are absolute and numbered, and each is followed by a newer one within a second while calls wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.lease import lease
from connectors.clock import now_ms
from connectors.rate_metrics import RateMetrics
from connectors.rates import RateGate
from schemas import records as r
from schemas import topics as t
from schemas.codec import Decoder
from streams.engine.api import Input, Stage
from streams.engine.reference import GlobalTable
from streams.reporting import Reporting, Reports, life_of
from streams.routes import timer
from streams.wiring import to
from tables.rates import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import CollectorRegistry

    from schemas.codec import SchemaBook
    from streams.engine.api import EngineConfig
    from streams.settings import Settings
    from streams.topology import Outside


def rates_stage(settings: Settings, outside: Outside) -> Stage:
    """Shares out the rate of each account (agents/lease.py)."""
    read = outside.reading.records
    return Stage(
        name="rates",
        inputs=(Input(t.RATE_DEMANDS, read(r.RateDemanded), urgent=True),),
        agent=lambda stream, tables: lease(stream, tables["budgets"], outside.reference),
        routes={
            r.RateGranted: (to(t.RATE_GRANTS, key=_account),),
            r.RateDue: (timer(outside.reading, r.RateDue, lambda due: due.account),),
        },
        tables=(outside.reading.table("budgets", 1, Budget),),
        min_interval_ms=settings.engine.interval_high_ms,
        max_batch=settings.engine.max_batch,
    )


class Leases(Reporting[r.RateDemanded]):
    """This worker's gate, and what joins it to the two topics."""

    def __init__(
        self,
        config: EngineConfig,
        providers: Callable[[str], Iterable[r.Provider]],
        book: SchemaBook,
        registry: CollectorRegistry,
    ) -> None:
        """`providers`: channel → the active ones; `book`: schemas of other versions of grants."""
        self._decode = Decoder(r.RateGranted, book=book)
        self.gate = gate = RateGate(providers, life_of(config), RateMetrics(registry), now_ms)
        grants = GlobalTable(config, t.RATE_GRANTS, self._granted, from_end=True)
        super().__init__(
            config,
            grants,
            Reports(
                topic=t.RATE_DEMANDS,
                key=_account,
                made=lambda is_beat: gate.reports(is_beat=is_beat),
                unheard=gate.unheard,
                news=gate.news,
            ),
        )

    def _granted(self, _key: bytes, value: bytes | None) -> None:
        if value is not None:
            self.gate.granted(self._decode(value))


def _account(record: r.RateDemanded | r.RateGranted) -> bytes:
    return record.account.encode()
