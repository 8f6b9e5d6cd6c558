"""Table `erased`: users of whom nothing is told any more, but what came later (NS-SEC-OP-02).

key     user key
value   `Erased`
writer  agents/blank.py

A row outlives whatever may still be heard of messages made before.
"""

from __future__ import annotations

import msgspec

from tables.progress import KEEP_MS as HEARD_MS

KEEP_MS = 90 * 86_400_000 + HEARD_MS
"""As long as a request may wait (90 days), and then what a provider says of its message."""


class Erased(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Messages and requests of this time (ms) and before are nobody's."""

    at: int

    def means(self, made_at: int) -> bool:
        """Whether something of that time is of the erased life."""
        return made_at <= self.at
