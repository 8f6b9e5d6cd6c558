"""A worker as `carillon worker` runs it, with two things of its surroundings changed.

    python -m tests.chaos.worker AHEAD_MS RETENTION_MS

`AHEAD_MS`: how far its wall clock is ahead (negative: behind). `RETENTION_MS`: how long it believes that
changelogs keep tombstones, as the run has told the brokers; a week would outlast the run.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from connectors import clock

AHEAD_MS, RETENTION_MS = int(sys.argv[1]), int(sys.argv[2])
true_now_ms = clock.now_ms


def shifted_now_ms() -> int:
    """Wall time of a machine whose clock is wrong."""
    return true_now_ms() + AHEAD_MS


clock.now_ms = shifted_now_ms  # before any module takes the function by its name

from streams import outside  # noqa: E402
from streams.engine.api import EngineConfig  # noqa: E402
from streams.settings import Settings  # noqa: E402

true_engine_config = outside.engine_config


def short_memory(settings: Settings) -> EngineConfig:
    """The product's own configuration with the run's retention of tombstones."""
    return replace(true_engine_config(settings), delete_retention_ms=RETENTION_MS)


outside.engine_config = short_memory

from streams.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.argv = ["carillon", "worker"]
    main()
