"""A short chaos run: every part of the harness at work, and books that balance (`make chaos` runs longer)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.__main__ import verdict
from tests.chaos.run import Order, run

SEED = int(os.environ.get("CARILLON_TEST_CHAOS_SEED", "1"))
KINDS = (
    "broker killed",
    "worker killed",
    "disk wiped",
    "worker frozen",
    "provider silent",
    "Postgres killed",
)
MINUTES, RATE = 0.5, 60


@pytest.mark.spec("NS-OPS-031 NS-OPS-032 NS-OPS-OP-04 NS-OPS-OP-10 NS-OPS-083")
@pytest.mark.timeout(900)
async def test_three_brokers_and_three_workers_lose_and_repeat_nothing_in_half_a_minute(
    tmp_path: Path,
) -> None:
    result = await run(Order(MINUTES, SEED, RATE, tmp_path, KINDS), print)
    assert result.balanced, "\n".join(verdict(result))
