"""The brokers' time, as they stamp it on changelog records: a worker's own clock may be wrong by anything."""

from __future__ import annotations

import time


class BrokerTime:
    """What a worker last heard of it, and how long ago; ahead of no broker but by what brokers differ."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self._at_ms = 0
        self._heard = 0.0

    def heard(self, at_ms: int) -> None:
        """A record of ours was just stamped with this time, ms."""
        self._at_ms, self._heard = at_ms, time.monotonic()

    def at_least(self) -> int:
        """It is this late or later, ms; 0 when nothing was heard yet."""
        return self._at_ms and self._at_ms + int((time.monotonic() - self._heard) * 1000)
