"""Topics of what providers report, a part of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.punctuality import ReceiptsCounted
from schemas.rate_topics import ACCOUNT_KEY
from schemas.topics import Form, Partitions, Topic, Use

if TYPE_CHECKING:
    from collections.abc import Iterator


def receipt_topics() -> Iterator[Topic]:
    """Posts as they came, receipts of messages that nobody knows, and how soon receipts come."""
    yield Topic(
        name=t.RECEIPTS,
        use=Use.INTERNAL,
        key="the provider's name",
        records=(r.ReceiptPosted, r.ReceiptsAsked),
        about="What providers post of messages, sealed as it came (NS-CH-OP-01); questions behind it.",
        writers=("http", "status"),
        readers=("intake",),
        extra=t.OURS,
    )
    yield Topic(
        name=t.RECEIPTS_UNKNOWN,
        use=Use.PUBLIC_OUT,
        key="message id",
        records=(r.ReceiptHeard,),
        about="Receipts of messages that are not known, or not any more (NS-CH-OP-01).",
        writers=("status",),
        readers=("other services",),
        form=Form.JSON,
        partitions=Partitions.ONE,
    )
    yield Topic(
        name=t.RECEIPT_COUNTS,
        use=Use.REFERENCE,
        key=ACCOUNT_KEY,
        records=(ReceiptsCounted,),
        about="How soon providers report, as a worker counted it; read by all workers from their start on.",
        writers=("every worker",),
        readers=("every worker",),
        partitions=Partitions.ONE,
        retention_ms=t.HOUR_MS,
        extra=t.OURS,
    )
