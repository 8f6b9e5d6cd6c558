"""When to try again: the backoff of NS-SND-OP-13 as pure arithmetic.

The jitter is taken from the message id, so that a replay of the batch sets the same timer.
"""

from __future__ import annotations

from hashlib import blake2b

FIRST_MS = 1_000
CAP_MS = 300_000
_JITTER_SHARE = 4  # up to a quarter on top
_DOUBLINGS = 16  # beyond these the cap rules anyway


def backoff_ms(message_id: str, turn: int) -> int:
    """Milliseconds to wait before the next try: 1 s × 2 per `turn` (from 0), jitter on top, at most 5 min."""
    plain = FIRST_MS << min(turn, _DOUBLINGS)
    room = CAP_MS * _JITTER_SHARE // (_JITTER_SHARE + 1)
    return jittered_ms(min(plain, room), message_id, turn)


def jittered_ms(wait_ms: int, message_id: str, turn: int) -> int:
    """`wait_ms` and up to a quarter more, never less: a provider's own Retry-After is a lower bound."""
    digest = blake2b(f"{message_id}/{turn}".encode(), digest_size=2).digest()
    return wait_ms + wait_ms * int.from_bytes(digest, "big") // (_JITTER_SHARE << 16)
