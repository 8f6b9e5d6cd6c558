"""The only place of wall time. Everything else takes `at` from a record, or a clock as an argument."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Wall time in milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000
