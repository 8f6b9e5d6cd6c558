"""Whom a query selects: asked of the resolver that the operator names (AUD-014, AUD-OP-04).

One `POST` of `{"yql_link", "promotion_id"}`, signed in the way of Standard Webhooks; the answer is a 200 with
`{"users": [{"id_type", "id"}, ...]}`. A question changes nothing, so it is repeated when the answer was none:
no answer in time, 408, 425, 429, any 5xx. Everything else is a refusal at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, InvalidURL

from connectors.http.audience.ports import UnresolvedError
from connectors.http.audience.slots import LARGEST_LIST, MOST_VALUES
from connectors.signatures import signature

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import ClientResponse

    from connectors.http.audience.ports import AudienceQuery

log = structlog.get_logger("resolver")
OK: Final = 200
SERVER_FAULT: Final = 500
NOT_NOW: Final = frozenset({408, 425, 429})
FIRST_PAUSE_S: Final = 0.25


class ResolverAccess(NamedTuple):
    """Where the resolver is. `key`: of the signature, None: not signed. `attempts`: of one question."""

    url: str
    key: bytes | None = None
    timeout_ms: int = 5_000
    attempts: int = 3


class _NotNowError(Exception):
    """No answer that counts; the next attempt may bring one."""


class HttpResolver:
    """The `Resolve` port over HTTP. `pause` waits so many seconds."""

    def __init__(
        self,
        access: ResolverAccess,
        now_ms: Callable[[], int],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._access = access
        self._now_ms = now_ms
        self._pause = pause
        self._session: ClientSession | None = None

    async def __call__(self, query: AudienceQuery) -> bytearray:
        """Ask up to `attempts` times, each for `timeout_ms`, with growing pauses between."""
        body = orjson.dumps({"yql_link": query.yql_link, "promotion_id": query.promotion_id})
        why = ""
        for attempt in range(1, self._access.attempts + 1):
            try:
                return await self._asked(query.query_id, body)
            except _NotNowError as error:
                why = str(error)
                log.warning("resolver_does_not_answer", attempt=attempt, error=why)
            if attempt < self._access.attempts:
                await self._pause(FIRST_PAUSE_S * 2 ** (attempt - 1))
        raise UnresolvedError(f"asked {self._access.attempts} times: {why}")

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _asked(self, query_id: str, body: bytes) -> bytearray:
        headers = {"Content-Type": "application/json"}
        if self._access.key is not None:
            headers |= signature(self._access.key, query_id, self._now_ms() // 1000, body)
        seconds = ClientTimeout(total=self._access.timeout_ms / 1000)
        try:
            async with self._opened().post(
                self._access.url, data=body, headers=headers, allow_redirects=False, timeout=seconds
            ) as response:
                return await _list_in(response)
        except InvalidURL:
            raise UnresolvedError("the URL of the resolver is none") from None
        except (ClientError, TimeoutError, OSError) as error:
            raise _NotNowError(type(error).__name__) from None

    def _opened(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession()
        return self._session


async def _list_in(response: ClientResponse) -> bytearray:
    """The answer's bytes, no more of them than a place of queries holds."""
    if response.status in NOT_NOW or response.status >= SERVER_FAULT:
        raise _NotNowError(f"it answered {response.status}")
    if response.status != OK:
        raise UnresolvedError(f"it answered {response.status}")
    raw, commas = bytearray(), 0
    async for part in response.content.iter_any():
        raw += part
        commas += part.count(b",")
        if len(raw) > LARGEST_LIST or commas > MOST_VALUES:
            raise UnresolvedError("its answer is too long")
    return raw
