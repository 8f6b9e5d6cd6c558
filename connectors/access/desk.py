"""Where keys are handed out, changed over and taken back; the same for the command line and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from connectors.access import keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connectors.access.actor import Actor
    from connectors.access.keys import Made, Wanted
    from schemas.records import ApiKey

_log = structlog.get_logger(__name__)


class Kept(NamedTuple):
    """A key as it is kept; `last_used_at` in ms, to the hour."""

    record: ApiKey
    last_used_at: int | None = None


class Store(Protocol):
    """Keeps keys, and writes the audit line of each change with it (`connectors.postgres.keys.KeyStore`)."""

    async def listed(self) -> list[Kept]: ...

    async def add(self, record: ApiKey, now: int, actor: Actor) -> None:
        """`TooManyKeysError` when the service has two live ones."""

    async def change_over(
        self, key_id: str, made: Callable[[ApiKey], ApiKey], until: int, actor: Actor
    ) -> bool:
        """Add what `made` makes of a live key, which ends then; False when there is no such live key."""
        ...

    async def revoke(self, key_id: str, now: int, actor: Actor) -> bool:
        """End a key at once; False when there is none of this id. A revoked one stays as it is."""
        ...


class KeyDesk:
    """`publish` makes what was committed known to all HTTP processes; what it cannot, they do themselves."""

    def __init__(
        self, store: Store, publish: Callable[[], Awaitable[object]], now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._publish = publish
        self._now_ms = now_ms

    async def listed(self) -> list[Kept]:
        """All keys, those that ended too, by service and age."""
        return await self._store.listed()

    async def create(self, wanted: Wanted, actor: Actor) -> Made:
        """A new key; `TooManyKeysError` when the service has two live ones."""
        now = self._now_ms()
        found = keys.made(wanted, now)
        await self._store.add(found.record, now, actor)
        await self._published()
        return found

    async def rotate(self, key_id: str, grace_ms: int, actor: Actor) -> Made | None:
        """A key's successor; the old one lives for the time of grace. None: there is no such live key."""
        now = self._now_ms()
        found: list[Made] = []

        def successor(old: ApiKey) -> ApiKey:
            found.append(keys.made(keys.like(old), now))
            return found[-1].record

        if not await self._store.change_over(key_id, successor, now + grace_ms, actor):
            return None
        await self._published()
        return found[-1]

    async def revoke(self, key_id: str, actor: Actor) -> bool:
        """End a key at once; False when there is none of this id."""
        is_known = await self._store.revoke(key_id, self._now_ms(), actor)
        await self._published()
        return is_known

    async def _published(self) -> None:
        """The change is committed: a broker that is away makes it late, not undone."""
        try:
            await self._publish()
        except Exception as error:  # noqa: BLE001 - whatever it is, the key must be shown: nobody can show it again
            _log.warning("key_change_is_published_later", error=f"{type(error).__name__}: {error}")
