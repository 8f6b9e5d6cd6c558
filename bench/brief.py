"""`carillon` whose rows live briefly, so that a soak of minutes sees them end.

    python -m bench.brief LIFE_MS RETENTION_MS worker --stages all

Three constants of the product are others, and nothing else: how long a message's progress and a minute of
statistics are kept (`LIFE_MS`), and how long changelogs are believed to keep tombstones (`RETENTION_MS`), as
the topics have been told. What a request's key and a seen fact are remembered for stands in reference data.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from tables import progress, totals

LIFE_MS, RETENTION_MS = int(sys.argv[1]), int(sys.argv[2])
MINUTE_MS = 60_000

progress.KEEP_MS = LIFE_MS  # before any module takes it by its name
totals.LIVES_MS["minute"] = MINUTE_MS + LIFE_MS

from streams import outside  # noqa: E402
from streams.engine.api import EngineConfig  # noqa: E402
from streams.settings import Settings  # noqa: E402

true_engine_config = outside.engine_config


def brief_tombstones(settings: Settings) -> EngineConfig:
    """The product's own configuration with the run's retention of tombstones."""
    return replace(true_engine_config(settings), delete_retention_ms=RETENTION_MS)


outside.engine_config = brief_tombstones

from streams.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.argv = ["carillon", *sys.argv[3:]]
    main()
