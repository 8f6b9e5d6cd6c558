"""One JSON call to a vendor over HTTP, with everything that can go wrong on the way turned into an answer."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
)

from connectors.providers.port import Answer
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from yarl import URL

ANSWER_BYTES = 64 * 1024
MAX_RETRY_AFTER_MS = 86_400_000


class Reply(msgspec.Struct, frozen=True):
    """What the vendor answered. `body` is empty when it was not a JSON object; `headers` ignore case."""

    status: int
    body: dict[str, Any]
    retry_after: str | None
    headers: Mapping[str, str] = {}


class HttpCalls:
    """A session with one vendor. `timeout_ms` bounds connecting and answering, each."""

    def __init__(self, headers: Mapping[str, str], *, timeout_ms: int, connections: int) -> None:
        self._headers = dict(headers)
        self._timeout = ClientTimeout(
            total=2 * timeout_ms / 1000, connect=timeout_ms / 1000, sock_read=timeout_ms / 1000
        )
        self._connections = connections
        self._session: ClientSession | None = None

    async def post(
        self, url: str | URL, body: Mapping[str, Any] | bytes, headers: Mapping[str, str]
    ) -> Reply | Answer:
        """Send JSON. A failure after the request may have been written is `hidden`, before `temporary`."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self._call("POST", url, data, headers)

    async def get(self, url: str) -> Reply | Answer:
        """Ask. A broken answer is `hidden` here too: the caller knows that a question may be repeated."""
        return await self._call("GET", url, None, {})

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(
        self, method: str, url: str | URL, data: bytes | None, headers: Mapping[str, str]
    ) -> Reply | Answer:
        session = self._opened()
        try:
            async with session.request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                told = response.headers
                return Reply(response.status, await _object(response), told.get("Retry-After"), told)
        except InvalidURL:
            return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, "the URL is none")
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            return Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, type(error).__name__)
        except (ClientError, TimeoutError, OSError) as error:
            return Answer(Verdict.HIDDEN, Reason.ANSWER_HIDDEN, type(error).__name__)

    def _opened(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=self._connections),
                cookie_jar=DummyCookieJar(),  # or every host that a browser names could fill another
                headers={"Content-Type": "application/json", **self._headers},
                timeout=self._timeout,
            )
        return self._session


def retry_after_ms(header: str | None, now: int) -> int | None:
    """Read `Retry-After`, seconds or an HTTP date, as milliseconds from `now` (ms); None when unreadable."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return min(int(text[:9]) * 1000, MAX_RETRY_AFTER_MS)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(0, int(at * 1000) - now), MAX_RETRY_AFTER_MS)


async def _object(response: ClientResponse) -> dict[str, Any]:
    """Read the body if it is a JSON object of a sane size; the status has spoken already."""
    content = response.content
    try:
        body = await content.readany()
        while not content.at_eof():
            if len(body) > ANSWER_BYTES:
                return {}
            body += await content.readany()
        value = {} if len(body) > ANSWER_BYTES else orjson.loads(body)
    except (ClientError, TimeoutError, OSError, orjson.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
