"""Certificates that vendors sign with: each fetched once, aside from the posts, and kept in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from connectors.http.ports import UnfetchedError
from connectors.providers.receipts.sns import signer_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.http.ports import Fetch

MOST: Final = 16
"""A vendor has one at a time, and changes it once a year or so."""
PAUSE_MS: Final = 1_000
"""Between two questions: a post that nobody signed names any certificate it likes."""
_log = structlog.get_logger(__name__)


class CertificateBook:
    """What is known of them, by address; one is asked for at a time. What is no certificate is not kept."""

    def __init__(self, fetch: Fetch, now_ms: Callable[[], int]) -> None:
        self._fetch = fetch
        self._now_ms = now_ms
        self._known: dict[str, bytes] = {}
        self._asking: asyncio.Task[None] | None = None
        self._next_at = 0

    def at(self, url: str) -> bytes | None:
        """The certificate, in PEM; None when it is not here yet: it is being fetched, or soon will be."""
        found = self._known.get(url)
        if found is None and self._asking is None and self._now_ms() >= self._next_at:
            self._next_at = self._now_ms() + PAUSE_MS
            self._asking = asyncio.create_task(self._learn(url))
        return found

    async def _learn(self, url: str) -> None:
        try:
            found = await self._fetch(url)
            if signer_in(found) is None:
                raise UnfetchedError("no certificate of RSA")
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[url] = found
        except UnfetchedError as error:
            _log.warning("certificate_is_not_there", error=str(error))
        finally:
            self._asking = None
