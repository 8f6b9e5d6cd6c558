"""Topics of what messages cost, a part of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.topics import Partitions, Topic, Use

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPE_KEY = "scope: `<channel>`, `<channel>/<provider>`, `campaign/<label>`"
SUMS_KEPT_MS = 400 * t.DAY_MS


def spending_topics() -> Iterator[Topic]:
    """Costs, and the one sum of each scope."""
    yield Topic(
        name=t.SPENDING_COSTS,
        use=Use.INTERNAL,
        key=SCOPE_KEY,
        records=(r.CostIncurred,),
        about="What delivery spent, batch by batch (NS-OPS-OP-12).",
        writers=("delivery-email", "delivery-sms", "delivery-push"),
        readers=("spending",),
        extra=t.OURS,
    )
    yield Topic(
        name=t.SPENDING_SUMS,
        use=Use.REFERENCE,
        key=SCOPE_KEY,
        records=(r.SpendingSummed,),
        about="What was spent of each scope, read whole by all workers.",
        writers=("spending",),
        readers=("every worker",),
        partitions=Partitions.ONE,
        retention_ms=SUMS_KEPT_MS,
        extra={**t.COMPACTED, "cleanup.policy": "compact,delete"},
    )
