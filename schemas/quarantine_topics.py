"""Topics of what comes far too fast, a part of the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.topics import Partitions, Topic, Use

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOW_KEY = "`<source>`, a tab, `<notification type>`"


def quarantine_topics() -> Iterator[Topic]:
    """Counts and what is held go to the one task that judges; what it finds is read by all workers."""
    about = "How many requests a worker took in of a service and type, in absolute figures (NS-SEC-OP-07)."
    counts = t.internal(t.FLOW_COUNTS, (r.FlowCounted,), about, ("", "quarantine"))
    counts = replace(counts, writers=("every worker",), retention_ms=t.HOUR_MS)
    yield replace(counts, key=FLOW_KEY, partitions=Partitions.ONE)
    about = "Requests that wait for an admin, sealed as they came, and what he orders."
    held = (r.RequestQuarantined, r.QuarantineOrdered)
    aside = t.internal(t.QUARANTINE, held, about, ("", "quarantine"))
    writers = ("recipient", "http", "quarantine release")
    yield replace(aside, writers=writers, key=FLOW_KEY, partitions=Partitions.ONE)
    yield Topic(
        name=t.ANOMALIES,
        use=Use.REFERENCE,
        key=FLOW_KEY,
        records=(r.AnomalyFound,),
        about="Services that ask for far more of a type than they used to, and whether that is held.",
        writers=("quarantine",),
        readers=("every worker", "http", "quarantine list"),
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=t.COMPACTED,
    )
