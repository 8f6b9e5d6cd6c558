"""Calls of providers behind their breakers (NS-OPS-041), as one process sees them.

Kept in memory: a restart costs a few calls to learn again. A provider whose entry changed is as new, for
that is how wrong credentials are repaired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from connectors.providers.breaker import Breaker, result_of
from schemas.provider_words import Cause, Change
from schemas.records import CallEnded
from schemas.times import rfc3339
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from connectors.provider_metrics import BreakerMetrics
    from connectors.providers.breaker import Terms
    from schemas.records import Provider, ProviderCall

log = structlog.get_logger("providers")

STALE_MS = 900_000
"""So long after its pause nobody tried: nothing is sent there any more, and nobody should be woken for it."""


class Breakers:
    """Makes calls, and leaves providers alone that fail.

    `perform` makes a call, whatever is known of its provider; `providers`: channel → active ones.
    """

    def __init__(
        self,
        perform: Callable[[ProviderCall], Awaitable[CallEnded]],
        providers: Callable[[str], Iterable[Provider]],
        now_ms: Callable[[], int],
        metrics: BreakerMetrics,
        terms: Terms,
    ) -> None:
        self._perform = perform
        self._providers = providers
        self._now_ms = now_ms
        self._metrics = metrics
        self._terms = terms
        self._known: dict[tuple[str, str], _Known] = {}

    def paused_until(self, provider: Provider, now: int) -> int:
        """No call of it should be decided before; 0 when one may."""
        known = self._known.get((provider.channel_type, provider.name))
        if known is None or known.version != provider.version:
            return 0
        return known.breaker.paused_until(now, self._terms)

    def share(self, provider: Provider, now: int) -> float:
        """How much of its weight it has now, from a quarter to 1."""
        known = self._known.get((provider.channel_type, provider.name))
        if known is None or known.version != provider.version:
            return 1.0
        return known.breaker.share(now, self._terms)

    async def perform(self, call: ProviderCall) -> CallEnded:
        """Make a call, or say that it was never begun: it is decided anew then, and spends no attempt.

        A question sends nothing and says little of the provider: it passes, and is not counted.
        """
        active = self._providers(call.task.channel)
        provider = next((one for one in active if one.name == call.provider), None)
        if provider is None or call.ask:
            return await self._perform(call)
        known = self._as_configured(provider)
        if known.breaker.paused_until(self._now_ms(), self._terms):
            self._metrics.passed_over(call.task.channel, call.provider)
            return CallEnded(call=call, verdict=Verdict.LAPSED)
        tries = known.breaker.cause is not None
        known.breaker = known.breaker.tried(self._now_ms(), self._terms)
        ended = await self._perform(call)
        self._learn(known, ended, tries=tries)
        return ended

    def _as_configured(self, provider: Provider) -> _Known:
        name = (provider.channel_type, provider.name)
        known = self._known.get(name)
        if known is not None and known.version == provider.version:
            return known
        fresh = self._known[name] = _Known(provider, self._now_ms)
        self._metrics.known(*name, fresh.open_for)
        if known is not None:
            self._tell(fresh, known.breaker, Change.CHANGED)
        return fresh

    def _learn(self, known: _Known, ended: CallEnded, *, tries: bool) -> None:
        """What came of a call. Nothing is learnt of a task that no key opens, nor from an entry of before."""
        if ended.reason == Reason.UNOPENED or self._known[known.name] is not known:
            return
        before = known.breaker
        step = before.returned if tries and before.cause else before.answered
        known.breaker = step(result_of(ended.verdict, ended.reason), self._now_ms(), self._terms)
        self._tell(known, before, Change.RECOVERED)

    def _tell(self, known: _Known, before: Breaker, closed_by: Change) -> None:
        """A line and a count for each change, and for each try that failed."""
        after = known.breaker
        if before == after or before.cause is after.cause is None:
            return
        change = closed_by if after.cause is None else Change(after.cause)
        self._metrics.changed(*known.name, change)
        if after.cause is None:
            log.info("provider_breaker_closed", **known.about, cause=change)
        else:
            log.warning(
                "provider_breaker_opened", **known.about, cause=change, resumes_at=rfc3339(after.resumes_at)
            )


class _Known:
    """A provider under one version of its entry, and what its calls say of it."""

    def __init__(self, provider: Provider, now_ms: Callable[[], int]) -> None:
        self.version = provider.version
        self.name = (provider.channel_type, provider.name)
        self.about = {"channel": provider.channel_type, "provider": provider.name}
        self.breaker = Breaker()
        self._now_ms = now_ms

    def open_for(self) -> Cause | None:
        """Why it is left alone, as the metrics show it."""
        is_stale = self._now_ms() >= self.breaker.resumes_at + STALE_MS
        return None if is_stale else self.breaker.cause
