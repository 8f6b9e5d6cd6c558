"""Table `asking`: how many requests of a user wait for the answer of Account Service, by lane.

key     `key_of(user_id, lane)`
value   `Asking`
writer  agents/recipient.py

Who comes meanwhile lines up behind them, so that first attempts keep their order. A row ends by itself: a
question that was buried with a defect of ours would otherwise make its user ask for ever.
"""

from __future__ import annotations

import msgspec

from schemas.ids import subject_key

FORGOTTEN_MS = 600_000


class Asking(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So many wait."""

    waiting: int = 0

    def more(self) -> Asking:
        """One more waits."""
        return Asking(waiting=self.waiting + 1)

    def less(self) -> Asking | None:
        """One has its answer; None when nobody waits any longer."""
        return Asking(waiting=self.waiting - 1) if self.waiting > 1 else None


def key_of(user_id: str, lane: str) -> bytes:
    """One user, one lane: high does not wait behind low."""
    return subject_key(user_id) + b"/" + lane.encode()
