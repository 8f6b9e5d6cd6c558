"""Certificates that vendors sign with: each fetched once, aside from the posts, and kept in memory."""

from __future__ import annotations

import asyncio
from secrets import choice
from typing import TYPE_CHECKING, Any, Final

import structlog

from connectors.http.ports import AbsentError, UnfetchedError
from connectors.providers.receipts.sns import signer_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connectors.http.ports import Fetch

MOST: Final = 16
"""A vendor has one at a time, and changes it once a year or so."""
PAUSE_MS: Final = 1_000
"""Between two questions: a post that nobody signed names any certificate it likes."""
MOST_WAITING: Final = 32
ABSENT_MS: Final = 600_000
MOST_ABSENT: Final = ABSENT_MS // PAUSE_MS
"""No more are asked for in that time."""
_log = structlog.get_logger(__name__)


class CertificateBook:
    """What is known of them, by address; one is asked for at a time. What is no certificate is not kept.

    Lots are drawn among the names that wait, by `pick`, and a name that the vendor does not know is not asked
    for again for minutes: so a stranger who is always first with names of his own keeps no genuine one out.
    """

    def __init__(
        self, fetch: Fetch, now_ms: Callable[[], int], pick: Callable[[Sequence[str]], str] = choice
    ) -> None:
        self._fetch = fetch
        self._now_ms = now_ms
        self._pick = pick
        self._known: dict[str, bytes] = {}
        self._waiting: list[str] = []
        self._absent: dict[str, int] = {}
        self._asking: asyncio.Task[None] | None = None
        self._next_at = 0

    def at(self, url: str) -> bytes | None:
        """The certificate, in PEM; None when it is not here yet: it is being fetched, or soon will be."""
        found = self._known.get(url)
        if found is None:
            now = self._now_ms()
            if now >= self._absent.get(url, 0):
                self._wait(url)
            if self._waiting and self._asking is None and now >= self._next_at:
                self._next_at = now + PAUSE_MS
                self._asking = asyncio.create_task(self._learn(self._drawn()))
        return found

    def _wait(self, url: str) -> None:
        if url not in self._waiting:
            if len(self._waiting) >= MOST_WAITING:
                self._drawn()
            self._waiting.append(url)

    def _drawn(self) -> str:
        """One of those that wait, which waits no more."""
        url = self._pick(self._waiting)
        self._waiting.remove(url)
        return url

    async def _learn(self, url: str) -> None:
        try:
            found = await self._fetch(url)
            if signer_in(found) is None:
                raise UnfetchedError("no certificate of RSA")
            _make_room(self._known, MOST)
            self._known[url] = found
        except UnfetchedError as error:
            if isinstance(error, AbsentError):
                self._absent.pop(url, None)
                _make_room(self._absent, MOST_ABSENT)
                self._absent[url] = self._now_ms() + ABSENT_MS
            _log.warning("certificate_is_not_there", error=str(error))
        finally:
            self._asking = None
            self._waiting = [each for each in self._waiting if each != url]


def _make_room(kept: dict[str, Any], most: int) -> None:
    """For one more, in the place of the oldest."""
    while len(kept) >= most:
        del kept[next(iter(kept))]
