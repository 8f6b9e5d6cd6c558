"""Makes the providers of a worker: carriers, the breakers before them, and what the choice of one goes by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agents.serve import Choice
from connectors.clock import now_ms
from connectors.metrics import ProviderMetrics
from connectors.provider_metrics import BreakerMetrics, WeightMetrics
from connectors.providers.breaker import Terms
from connectors.providers.breakers import Breakers
from connectors.providers.performer import Performer
from connectors.providers.weights import Weights

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from connectors.cipher import Cipher
    from connectors.reference.book import ReferenceBook
    from schemas.records import Provider
    from streams.settings import Settings


class Providing:
    """The providers of one process. `perform` makes a call, `choice` says what is known of them."""

    def __init__(
        self,
        settings: Settings,
        cipher: Cipher,
        book: ReferenceBook,
        receipts: Callable[[Provider, int], float],
        registry: CollectorRegistry,
    ) -> None:
        """`receipts`: how much of its weight a provider has by its receipts, at a time (ms)."""
        defaults = provider_defaults(settings)
        self._performer = Performer(cipher, book.providers, defaults, now_ms, ProviderMetrics(registry))
        breakers = Breakers(
            self._performer.perform, book.providers, now_ms, BreakerMetrics(registry), terms_of(settings)
        )
        self.perform = breakers.perform
        weights = Weights(breakers, receipts, WeightMetrics(registry), now_ms)
        self.choice = Choice(weights, settings.providers.domestic_channels())

    async def close(self) -> None:
        """Close every carrier. No call may be running."""
        await self._performer.close()


def terms_of(settings: Settings) -> Terms:
    """When a provider is left alone."""
    given = settings.providers
    return Terms(
        calls=given.breaker_calls,
        window_ms=given.breaker_window_ms,
        pause_ms=given.breaker_pause_ms,
        misconfigured_pause_ms=given.breaker_misconfigured_pause_ms,
    )


def provider_defaults(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """What a provider's config need not say because the installation's settings do."""
    smtp = {key: value for key, value in settings.smtp.model_dump().items() if value is not None}
    if settings.smtp.password is not None:
        smtp["password"] = settings.smtp.password.get_secret_value()
    if settings.smtp.host is None:
        smtp = {}
    fake = {} if settings.providers.fake_url is None else {"url": settings.providers.fake_url}
    return {"smtp": smtp, "fake_sms": fake, "fake_push": fake}
