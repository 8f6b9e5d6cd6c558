"""The clock counts milliseconds of wall time."""

from __future__ import annotations

import time

from connectors.clock import now_ms


def test_now_lies_between_two_looks_at_the_machines_clock() -> None:
    before = time.time_ns() // 1_000_000
    now = now_ms()
    assert before <= now <= time.time_ns() // 1_000_000
