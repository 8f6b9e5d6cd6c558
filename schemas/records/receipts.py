"""What providers report later: posts as they came, and what one event says of a message."""

from __future__ import annotations

from schemas.records.root import Record, Sealed


class ReceiptPosted(Record, frozen=True, kw_only=True):
    """A webhook's body, its signature verified. Topic `provider.receipts`."""

    provider: str
    channel: str
    kind: str  # of the provider, which says how to read the body
    received_at: int
    body: Sealed
    query: str = ""  # what stood behind the path, in posts of versions that left it in clear
    query_sealed: Sealed | None = None


class ReceiptHeard(Record, frozen=True, kw_only=True):
    """One event about a message. Topic `outcomes`, at the partition that its message id tells.

    Of a message that nobody knows: topic `receipts.unknown`.
    """

    event_id: str  # the same for each repeat
    message_id: str
    kind: str
    at: int  # by the provider's clock
    provider: str
    detail: str | None = None
    channel: str = ""  # of the provider; empty: of an older worker
    posted_at: int | None = None  # by our clock; None: of an older worker
