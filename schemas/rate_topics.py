"""Topics of provider accounts' rates, a part of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.topics import Partitions, Topic, Use

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT_KEY = "`<channel>/<provider>`"


def rate_topics() -> Iterator[Topic]:
    """What workers ask for, and what they are granted; neither is of use after some seconds."""
    yield Topic(
        name=t.RATE_DEMANDS,
        use=Use.INTERNAL,
        key=ACCOUNT_KEY,
        records=(r.RateDemanded,),
        about="Calls that wait for their provider's `rate_limit`, in absolute figures (NS-CH-OP-03).",
        writers=("every worker",),
        readers=("rates",),
        retention_ms=t.HOUR_MS,
        extra=t.OURS,
    )
    yield Topic(
        name=t.RATE_GRANTS,
        use=Use.REFERENCE,
        key=ACCOUNT_KEY,
        records=(r.RateGranted,),
        about="So many calls a worker may have made; read by all workers, each from its start on.",
        writers=("rates",),
        readers=("every worker",),
        partitions=Partitions.ONE,
        retention_ms=t.HOUR_MS,
        extra=t.OURS,
    )
