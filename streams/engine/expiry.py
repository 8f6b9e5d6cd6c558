"""Rows that ended by their time to live become tombstones, oldest first (design rule 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.engine.store import EXPIRY, NEVER, stamp

if TYPE_CHECKING:
    from streams.engine.store import Store
    from streams.engine.tables import Overlay

EVERY_MS = 1_000
LIMIT = 2_000


class Expiry:
    """Where a task's sweep stands. `bound` (ms) spares the scan of entries that were dealt with before."""

    def __init__(self) -> None:
        """Sweep at once, from the beginning."""
        self._bound = 0
        self._swept_at = 0

    def due(self, now: int) -> bool:
        """Whether it is time for a sweep."""
        return now - self._swept_at >= EVERY_MS

    def sweep(self, store: Store, overlay: Overlay, now: int) -> tuple[int, list[bytes]]:
        """Delete expired rows in the overlay; how many, and the entries to `forget` after the commit."""
        self._swept_at = now
        entries: list[bytes] = []
        swept = 0
        for entry, _ in store.scan(EXPIRY, stamp(self._bound), stamp(now)):
            key = entry[8:]
            raw = overlay.writes[key] if key in overlay.writes else store.get_row(key)
            if raw is not None and raw[:8] != NEVER and raw[:8] <= stamp(now):
                overlay.delete(key)
                swept += 1
            entries.append(entry)
            if len(entries) >= LIMIT:
                self._swept_at = 0
                break
        return swept, entries

    def forget(self, store: Store, entries: list[bytes]) -> None:
        """These were dealt with; a row written again has an entry of its own."""
        if entries:
            store.forget_expiries(entries)
            self._bound = int.from_bytes(entries[-1][:8], "big")
