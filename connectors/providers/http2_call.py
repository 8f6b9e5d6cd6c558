"""Requests over HTTP/2 to one host: one connection, opened when needed, and again when it is gone."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connectors.providers.http2_link import Http2Link, Http2Reply, UnansweredError, UnsentError
from connectors.providers.port import Answer
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

SILENT_S = 30.0
"""A connection on which the server said nothing for so long is asked whether it lives before it is used."""
PING_S = 2.0
HTTPS = 443
HTTP = 80
ALPN = "h2"


class Http2Calls:
    """One host. `timeout_ms` bounds connecting, waiting for a free stream, and answering, each."""

    def __init__(self, url: str, *, timeout_ms: int, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (HTTPS if parts.scheme == "https" else HTTP)
        self._prefix = parts.path.rstrip("/")
        self._scheme = parts.scheme
        self._authority = parts.netloc
        self._context = context
        self._timeout_s = timeout_ms / 1000
        self._link: Http2Link | None = None
        self._opening: asyncio.Task[Http2Link | Answer] | None = None

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Http2Reply | Answer:
        """Send. What the server certainly did not take goes out once more."""
        request = [
            (":method", "POST"),
            (":scheme", self._scheme),
            (":authority", self._authority),
            (":path", self._prefix + path),
            *headers.items(),
        ]
        for _ in range(2):
            link = await self._usable()
            if isinstance(link, Answer):
                return link
            answer = await self._asked(link, request, body)
            if answer is not None:
                return answer
        return _away("the server took no request")

    async def close(self) -> None:
        """Cut the connection."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._link is not None:
            self._link.abort()
            self._link = None

    async def _asked(
        self, link: Http2Link, request: list[tuple[str, str]], body: bytes
    ) -> Http2Reply | Answer | None:
        """The answer; None when it certainly was not taken, and may go another way."""
        heard = link.heard
        try:
            async with asyncio.timeout(self._timeout_s):
                await link.room(len(body))
        except TimeoutError:
            return _away("no stream became free")
        except UnsentError:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                return await link.ask(request, body)
        except UnsentError:
            return None
        except UnansweredError:
            return Answer(Verdict.HIDDEN, Reason.ANSWER_HIDDEN, "the connection broke")
        except TimeoutError:
            if link.heard == heard:  # it said nothing at all
                link.leave()
            return Answer(Verdict.HIDDEN, Reason.ANSWER_HIDDEN, "TimeoutError")

    async def _usable(self) -> Http2Link | Answer:
        """The connection, if it is alive; else a new one, which one task opens for all who wait."""
        while (link := self._link) is not None and link.is_usable:
            if await _lives(link):
                return link
            link.leave()
        if self._opening is None:
            self._opening = asyncio.create_task(self._opened())
        return await asyncio.shield(self._opening)

    async def _opened(self) -> Http2Link | Answer:
        link: Http2Link | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                transport, link = await asyncio.get_running_loop().create_connection(
                    Http2Link, self._host, self._port, ssl=self._tls()
                )
                tls = transport.get_extra_info("ssl_object")
                if tls is not None and tls.selected_alpn_protocol() != ALPN:
                    link.abort()
                    detail = "the server speaks no HTTP/2"
                    return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, detail)
                await link.greeted
        except (OSError, TimeoutError, UnsentError) as error:
            if link is not None:
                link.abort()
            return _away(type(error).__name__)
        finally:
            self._opening = None
        self._link = link
        return link

    def _tls(self) -> ssl.SSLContext | None:
        """None for this machine's own servers: they speak HTTP/2 in clear, without being asked first."""
        if self._scheme != "https":
            return None
        if self._context is None:
            self._context = ssl.create_default_context()
        self._context.set_alpn_protocols([ALPN])
        return self._context


async def _lives(link: Http2Link) -> bool:
    if asyncio.get_running_loop().time() - link.heard_at < SILENT_S:
        return True
    try:
        async with asyncio.timeout(PING_S):
            await link.ping()
    except (TimeoutError, UnsentError):
        return False
    return True


def _away(detail: str) -> Answer:
    return Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, detail)
