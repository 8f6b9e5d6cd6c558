"""When to try again: the backoff of NS-SND-OP-13 as pure arithmetic.

The jitter is taken from the message id, so that a replay of the batch sets the same timer.
"""

from __future__ import annotations

from hashlib import blake2b

FIRST_MS = 1_000
CAP_MS = 300_000
_JITTER_SHARE = 4  # up to a quarter on top
_DOUBLINGS = 16  # beyond these the cap rules anyway


def backoff_ms(message_id: str, turn: int, cap_ms: int = CAP_MS) -> int:
    """Milliseconds to the next try: 1 s, doubled per `turn` (from 0), jitter on top, at most `cap_ms`."""
    room = cap_ms * _JITTER_SHARE // (_JITTER_SHARE + 1)
    return _jittered(min(FIRST_MS << min(turn, _DOUBLINGS), room), message_id, turn)


def pause_ms(message_id: str, turn: int, retry_after_ms: int | None) -> int:
    """The provider's own Retry-After where it gave one, never less than it says; else the backoff."""
    if retry_after_ms is None:
        return backoff_ms(message_id, turn)
    return _jittered(max(retry_after_ms, FIRST_MS), message_id, turn)


def patience_ms(message_id: str, turn: int, until_ms: int, left_ms: int) -> int:
    """For providers that are left alone: at least until the first may be called, else the backoff.

    But never beyond half of the time that the message has left: it looks more often towards its end.
    """
    return max(pause_ms(message_id, turn, until_ms), min(backoff_ms(message_id, turn), left_ms // 2))


def _jittered(wait_ms: int, message_id: str, turn: int) -> int:
    digest = blake2b(f"{message_id}/{turn}".encode(), digest_size=2).digest()
    return wait_ms + wait_ms * int.from_bytes(digest, "big") // (_JITTER_SHARE << 16)
