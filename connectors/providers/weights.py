"""How much of its weight a provider has now: less while its calls fail or its receipts are slow.

Each change is told with its cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from schemas.provider_words import WeightChange

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.provider_metrics import WeightMetrics
    from connectors.providers.breakers import Breakers
    from schemas.records import Provider

log = structlog.get_logger("providers")


class Weights:
    """Fulfils `agents.ports.Health`. `receipts`: what a provider's receipts leave it, at a time (ms)."""

    def __init__(
        self,
        breakers: Breakers,
        receipts: Callable[[Provider, int], float],
        metrics: WeightMetrics,
        now_ms: Callable[[], int],
    ) -> None:
        self._breakers = breakers
        self._receipts = receipts
        self._metrics = metrics
        self._now_ms = now_ms
        self._known: dict[tuple[str, str], _Known] = {}

    def paused_until(self, provider: Provider, now: int) -> int:
        """No call of it should be decided before; 0 when one may."""
        return self._breakers.paused_until(provider, now)

    def share(self, provider: Provider, now: int) -> float:
        """The lesser of both shares, from a quarter to 1."""
        known = self._as_known(provider)
        by_calls, by_receipts = self._breakers.share(provider, now), self._receipts(provider, now)
        share = min(by_calls, by_receipts)
        if share != known.share:
            cause = WeightChange.FAILURES if by_calls == share else WeightChange.SLOW_RECEIPTS
            known.tell(share, cause)
        return share

    def _as_known(self, provider: Provider) -> _Known:
        name = (provider.channel_type, provider.name)
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = _Known(provider)
            self._metrics.known(*name, lambda: self.share(known.provider, self._now_ms()))
        known.provider = provider
        return known


class _Known:
    """A provider by its newest entry, and what was told of it last."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.share = 1.0

    def tell(self, share: float, cause: WeightChange) -> None:
        """`cause`: why it is no more."""
        one, before, self.share = self.provider, self.share, share
        cause = cause if share < before else WeightChange.RECOVERED
        about = {"channel": one.channel_type, "provider": one.name}
        log.info("provider_weight_changed", **about, cause=cause, share=share, before=before)
