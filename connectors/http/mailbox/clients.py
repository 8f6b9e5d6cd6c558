"""Who is connected to this process, by user: they are woken when something in their mailbox changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Clients:
    """A wake-up call per connection. What changed the connection looks up itself, so calls may be joined."""

    def __init__(self, most: int = 20_000, per_user: int = 10) -> None:
        self._most = most
        self._per_user = per_user
        self._of: dict[str, list[asyncio.Event]] = {}
        self._open = 0
        self.count = 0
        self.is_closing = False

    @property
    def is_full(self) -> bool:
        """Nobody else may come."""
        return self.is_closing or self._open >= self._most

    def arrive(self) -> None:
        """One more connection, of whoever: before its login it costs as much as after."""
        self._open += 1

    def go(self) -> None:
        """It ended."""
        self._open -= 1

    def enter(self, user_id: str) -> asyncio.Event | None:
        """It is this user's; None when he has enough of them."""
        calls = self._of.setdefault(user_id, [])
        if len(calls) >= self._per_user:
            return None
        calls.append(call := asyncio.Event())
        self.count += 1
        return call

    def leave(self, user_id: str, call: asyncio.Event) -> None:
        """It is nobody's any more."""
        calls = self._of[user_id]
        calls.remove(call)
        if not calls:
            del self._of[user_id]
        self.count -= 1

    def wake(self, users: Iterable[str]) -> None:
        """Something changed for these users, most of whom are not here."""
        for user_id in users:
            for call in self._of.get(user_id, ()):
                call.set()

    def close(self) -> None:
        """Send everybody away; nobody comes in any more."""
        self.is_closing = True
        self.wake(list(self._of))
