"""A task's view of its timers: which is next, and from where to look (design rule 15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.engine import inner

if TYPE_CHECKING:
    from streams.engine.api import Event
    from streams.engine.store import Store

PER_TURN = 1_000


class Timers:
    """`next_at` (ms) is None without a timer; the bound spares scanning tombstones of those that ended."""

    def __init__(self, store: Store) -> None:
        """Find the first timer."""
        self._store = store
        self.bound = 0
        self.next_at = inner.next_timer(store, 0)

    def due(self, now: int) -> bool:
        """Whether one is due."""
        return self.next_at is not None and self.next_at <= now

    def take(self, now: int, room: int) -> tuple[list[Event], int]:
        """Due timers, at most `room`, and the bound to `mark` once they are dealt with."""
        return inner.due_timers(self._store, self.bound, now, min(room, PER_TURN))

    def mark(self, bound: int | None, new: list[int]) -> None:
        """Raise the bound past timers that were dealt with; lower it to earlier ones that are new."""
        if bound is not None:
            self.bound = bound
        if new:
            self.bound = min(self.bound, *new)
        if bound is not None or new:
            self.next_at = inner.next_timer(self._store, self.bound)
            self.bound = max(new, default=self.bound) if self.next_at is None else self.next_at
