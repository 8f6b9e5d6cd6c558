"""Performs the effect of the delivery stages: a `ProviderCall` in, a `CallEnded` out, never an exception."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from connectors.providers.port import Answer, ProviderConfigError
from connectors.providers.registry import carrier_of
from schemas.records import CallEnded, Content
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from connectors.metrics import ProviderMetrics
    from connectors.providers.port import Carrier
    from schemas.records import Provider, ProviderCall

_CONTENT = msgspec.json.Decoder(Content)


class Opener(Protocol):
    """Opens sealed bytes (`connectors.cipher.Cipher`); `ValueError` when they cannot be opened."""

    def open(self, sealed: bytes) -> bytes: ...


class Performer:
    """Holds one carrier per configured provider, made when first needed and again when its config changes.

    `providers`: channel → active providers (the reference data); `defaults`: kind → fields from the settings.
    """

    def __init__(
        self,
        cipher: Opener,
        providers: Callable[[str], Iterable[Provider]],
        defaults: Mapping[str, Mapping[str, Any]],
        now_ms: Callable[[], int],
        metrics: ProviderMetrics,
    ) -> None:
        self._cipher = cipher
        self._providers = providers
        self._defaults = defaults
        self._now_ms = now_ms
        self._metrics = metrics
        self._opened: dict[tuple[str, str], _Opened] = {}

    async def perform(self, call: ProviderCall) -> CallEnded:
        """Make one call. An exception nobody foresaw leaves the answer hidden: the call may have gone out."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        in_flight = self._metrics.in_flight(call.task.channel)
        in_flight.inc()
        try:
            answer = await self._answer(call)
        except ProviderConfigError as error:
            answer = Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, str(error))
        except Exception as error:  # noqa: BLE001 - a vendor's library may raise anything
            answer = Answer(Verdict.HIDDEN, Reason.ANSWER_HIDDEN, f"unforeseen {type(error).__name__}")
        finally:
            in_flight.dec()
        self._metrics.ended(call.task.channel, call.provider, answer.verdict, loop.time() - began)
        return CallEnded(
            call=call,
            verdict=answer.verdict,
            reason=answer.reason,
            detail=answer.detail,
            provider_message_id=answer.provider_message_id,
            retry_after_ms=answer.retry_after_ms,
        )

    async def close(self) -> None:
        """Close every carrier. No call may be running."""
        opened, self._opened = self._opened, {}
        for one in opened.values():
            await one.carrier.close()

    async def _answer(self, call: ProviderCall) -> Answer:
        opened = await self._carrier(call.task.channel, call.provider)
        key = f"{call.task.message_id}:{call.task.epoch}"
        opened.calls += 1
        try:
            if call.ask:
                return await opened.carrier.ask(key)
            clear = self._clear(call)
            if isinstance(clear, Answer):
                return clear
            return await opened.carrier.send(*clear, key)
        finally:
            opened.calls -= 1
            await opened.close_if_retired()

    def _clear(self, call: ProviderCall) -> tuple[str, Content] | Answer:
        """Open address and content; what no key opens is ours to repair, and nothing was sent."""
        try:
            address = self._cipher.open(call.task.address).decode()
            return address, _CONTENT.decode(self._cipher.open(call.task.content))
        except (ValueError, msgspec.MsgspecError) as error:
            detail = f"the task cannot be opened: {type(error).__name__}"
            return Answer(Verdict.MISCONFIGURED, Reason.UNOPENED, detail)

    async def _carrier(self, channel: str, name: str) -> _Opened:
        provider = next((one for one in self._providers(channel) if one.name == name), None)
        if provider is None:
            raise ProviderConfigError("not among the active providers of its channel")
        known = self._opened.get((channel, name))
        if known is not None and known.provider == provider:
            return known
        opened = _Opened(carrier_of(provider, self._defaults, self._now_ms), provider)
        self._opened[channel, name] = opened
        if known is not None:
            known.is_retired = True
            await known.close_if_retired()
        return opened


class _Opened:
    """A carrier in use; a retired one closes after its last call."""

    def __init__(self, carrier: Carrier, provider: Provider) -> None:
        self.carrier = carrier
        self.provider = provider
        self.calls = 0
        self.is_retired = False

    async def close_if_retired(self) -> None:
        if self.is_retired and self.calls == 0:
            await self.carrier.close()
