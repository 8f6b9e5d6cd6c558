"""API keys in memory: what `connectors.postgres.keys` promises, for tests and for trying out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.access import keys
from connectors.access.desk import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.access.actor import Actor
    from schemas.records import ApiKey


class MemoryKeys:
    """The `Store` of `connectors.access.desk`. `lines`: action, key id and actor of each change."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []
        self._keys: dict[str, ApiKey] = {}

    async def listed(self) -> list[Kept]:
        """All keys, by service and age."""
        order = sorted(self._keys.values(), key=lambda key: (key.service, key.created_at, key.key_id))
        return [Kept(key) for key in order]

    async def add(self, record: ApiKey, now: int, actor: Actor) -> None:
        """Add a key; `TooManyKeysError` when the service has two live ones."""
        keys.check_room(self._keys.values(), keys.like(record), now)
        self._put("key.create", record, actor)

    async def change_over(
        self, key_id: str, made: Callable[[ApiKey], ApiKey], until: int, actor: Actor
    ) -> bool:
        """Add what `made` makes of a live key, which then ends at `until`; False: there is no such key."""
        old = self._keys.get(key_id)
        if old is None:
            return False
        new = made(old)
        if not keys.is_live(old, new.created_at):
            return False
        await self.add(new, new.created_at, actor)
        self._put("key.expire", keys.ended(old, until), actor)
        return True

    async def revoke(self, key_id: str, now: int, actor: Actor) -> bool:
        """End a key at once; False when there is none of this id."""
        old = self._keys.get(key_id)
        if old is not None and old.revoked_at is None:
            self._put("key.revoke", keys.revoked(old, now), actor)
        return old is not None

    def _put(self, action: str, record: ApiKey, actor: Actor) -> None:
        self._keys[record.key_id] = record
        self.lines.append((action, record.key_id, actor.actor_id))
