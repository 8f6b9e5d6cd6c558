"""What vendors keep for everybody at addresses of theirs: certificates, confirmations. Follows nobody on."""

from __future__ import annotations

from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, InvalidURL

from connectors.http.ports import AbsentError, UnfetchedError

OK: Final = 200
ABSENT: Final = frozenset({400, 403, 404, 410})
"""AWS says 403 of what is not there to who may not know."""
LARGEST: Final = 64 * 1024
TIMEOUT_S: Final = 5.0


class HttpFetch:
    """The `Fetch` port. Whose addresses may be asked is decided by who asks."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = ClientTimeout(total=timeout_s)
        self._session: ClientSession | None = None

    async def __call__(self, url: str) -> bytes:
        """The body of a 200."""
        try:
            async with self._opened().get(url, allow_redirects=False) as response:
                if response.status in ABSENT:
                    raise AbsentError(f"it answered {response.status}")
                if response.status != OK:
                    raise UnfetchedError(f"it answered {response.status}")
                found = bytearray()
                async for part in response.content.iter_any():
                    found += part
                    if len(found) > LARGEST:
                        raise UnfetchedError("its answer is too long")
                return bytes(found)
        except (ClientError, InvalidURL, TimeoutError, OSError) as error:
            raise UnfetchedError(type(error).__name__) from None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(timeout=self._timeout, cookie_jar=DummyCookieJar())
        return self._session
