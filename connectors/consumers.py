"""The APIs of services that own notifications: one `POST` per fact, after the common template (SEEN-OP-15).

Any 2xx and 409 (it knew already) is done, 408, 425 and 429 are tried again as whatever else is, other 4xx are
refusals for good. What the consumer says beyond its status is read away and kept nowhere.
"""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from connectors.providers.http_call import HttpCalls
from connectors.providers.port import Answer
from schemas.codec import encode_json
from schemas.records import SeenCallEnded
from schemas.seen_words import DestinationKind
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.seen_metrics import SeenMetrics
    from schemas.records import SeenCall, SeenDestination, SeenParcel, SeenTag

log = structlog.get_logger("consumers")

IDEMPOTENCY_KEY = "Idempotency-Key"
UNLIMITED = 0
"""Connections: how many calls there are is decided before."""
KNOWN_ALREADY = 409
CLASSES = {2: Verdict.ACCEPTED, 4: Verdict.PERMANENT}
NOT_NOW = frozenset({408, 425, 429})
"""Said by gateways and limiters about the moment, not about the fact."""


NOT_US = frozenset({401, 403})
"""Said to a call with credentials: about a key that somebody must change, not about the fact."""


class Consumers:
    """A session with each configured API, made when first needed and again when its entry changes.

    `tag`: the configured tag of that name, None without one. `secrets`: by name; they go into headers of
    calls and nowhere else.
    """

    def __init__(
        self,
        tag: Callable[[str], SeenTag | None],
        metrics: SeenMetrics,
        secrets: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._tag = tag
        self._metrics = metrics
        self._secrets = secrets
        self._opened: dict[tuple[str, str], _Opened] = {}

    async def perform(self, call: SeenCall) -> SeenCallEnded:
        """Make one call; what can go wrong is an answer."""
        tag, destination = call.parcel.fact.tag, call.parcel.destination
        target = self._target(tag, destination)
        if target is None:  # changed since the call was decided: the stage sees it, too, when this comes back
            return SeenCallEnded(call=call, verdict=Verdict.TEMPORARY, detail="not configured any longer")
        if target.auth_secret is not None and target.auth_secret not in self._secrets:
            log.warning(
                "consumer_secret_missing", tag=tag, destination=destination, secret=target.auth_secret
            )
            return SeenCallEnded(
                call=call, verdict=Verdict.TEMPORARY, detail="its secret is not in the settings"
            )
        try:
            verdict, detail = await self._post(target, call.parcel)
        except Exception as error:  # noqa: BLE001 - as hidden it would come again at once, and spend no attempt
            log.warning("consumer_call_failed", tag=tag, destination=destination, error=type(error).__name__)
            verdict, detail = Verdict.TEMPORARY, type(error).__name__
        return SeenCallEnded(call=call, verdict=verdict, detail=detail)

    async def _post(self, target: SeenDestination, parcel: SeenParcel) -> tuple[Verdict, str | None]:
        tag = parcel.fact.tag
        opened = await self._session(tag, target)
        opened.calls += 1
        try:
            with self._metrics.call(tag, target.name, asyncio.get_running_loop().time):
                return await opened.post(parcel)
        finally:
            opened.calls -= 1
            await opened.close_if_retired()

    async def close(self) -> None:
        """Close every session. No call may be running."""
        opened, self._opened = self._opened, {}
        for one in opened.values():
            await one.http.close()

    def _target(self, tag: str, destination: str) -> SeenDestination | None:
        found = self._tag(tag)
        apis = (each for each in (found.targets if found else ()) if each.kind == DestinationKind.API)
        return next((each for each in apis if each.name == destination), None)

    async def _session(self, tag: str, target: SeenDestination) -> _Opened:
        known = self._opened.get((tag, target.name))
        if known is not None and known.target == target:
            return known
        secret = self._secrets.get(target.auth_secret or "")
        opened = self._opened[tag, target.name] = _Opened(target, secret)
        if known is not None:
            known.is_retired = True
            await known.close_if_retired()
        return opened


class _Opened:
    """A session in use; a retired one closes after its last call."""

    def __init__(self, target: SeenDestination, secret: str | None) -> None:
        self.target = target
        known = {} if target.auth_header is None or secret is None else {target.auth_header: secret}
        self.http = HttpCalls(known, timeout_ms=target.timeout_ms, connections=UNLIMITED)
        self.calls = 0
        self.is_retired = False

    async def post(self, parcel: SeenParcel) -> tuple[Verdict, str | None]:
        """The verdict, and why in a word of ours or the status."""
        headers = {IDEMPOTENCY_KEY: parcel.fact_id}
        if parcel.traceparent is not None:
            headers["traceparent"] = parcel.traceparent
        reply = await self.http.post(self.target.url or "", encode_json(parcel.fact), headers)
        if isinstance(reply, Answer):  # hidden only from us: the consumer takes a fact twice (SEEN-054)
            return Verdict.TEMPORARY, reply.detail
        if reply.status == KNOWN_ALREADY:
            return Verdict.ACCEPTED, None
        if reply.status in NOT_NOW or (self.target.auth_header and reply.status in NOT_US):
            return Verdict.TEMPORARY, str(reply.status)
        return CLASSES.get(reply.status // 100, Verdict.TEMPORARY), str(reply.status)

    async def close_if_retired(self) -> None:
        if self.is_retired and self.calls == 0:
            await self.http.close()
