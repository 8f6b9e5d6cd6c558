"""From a post as it lies on `provider.receipts` to what it says of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.providers.port import scrubbed
from connectors.providers.receipts.port import Post
from connectors.providers.receipts.registry import webhook_of
from schemas.errors import DecodeError, Fault
from schemas.ids import derived, is_message
from schemas.receipts import ReceiptsRead
from schemas.records import ReceiptHeard, ReceiptsAsked

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.providers.performer import Opener
    from connectors.providers.receipts.port import Told
    from schemas.records import ReceiptPosted


class ReceiptReader:
    """Decoder of the topic; `DecodeError` for a body that nobody can open or read.

    `read`: bytes → `ReceiptPosted`, or `ReceiptsAsked`, which stays what it is. A post that was sealed with a
    key that is not known here is no reason to keep requests waiting behind it: it is a dead letter, and can
    be sent again.
    """

    def __init__(self, read: Callable[[bytes], ReceiptPosted | ReceiptsAsked], cipher: Opener) -> None:
        self._read = read
        self._cipher = cipher

    def __call__(self, raw: bytes) -> ReceiptsRead | ReceiptsAsked:
        """What a record says."""
        posted = self._read(raw)
        if isinstance(posted, ReceiptsAsked):
            return posted
        try:
            body = self._cipher.open(posted.body)
            sealed = posted.query_sealed
            query = posted.query if sealed is None else self._cipher.open(sealed).decode()
        except ValueError as error:
            raise DecodeError(Fault.UNOPENED, posted.provider) from error
        return receipts_in(posted, Post({}, body, query))


def receipts_in(posted: ReceiptPosted, post: Post) -> ReceiptsRead:
    """The events that are ours, and how many are not. `post`: what was opened of it."""
    heard: list[ReceiptHeard] = []
    ignored = strangers = 0
    for told in webhook_of(posted.kind).events(post):
        if told.kind is None:
            ignored += 1
        elif is_message(told.message_id):
            heard.append(_heard(told, posted))
        else:
            strangers += 1
    return ReceiptsRead(posted.provider, tuple(heard), ignored, strangers)


def _heard(told: Told, posted: ReceiptPosted) -> ReceiptHeard:
    """A time that is none becomes that of the post, but tells nothing apart: a repeat comes at another."""
    assert told.kind is not None
    which = (posted.provider, told.message_id, told.kind, str(told.at), told.event_id)
    return ReceiptHeard(
        event_id=derived("receipt", *which),
        message_id=told.message_id,
        kind=told.kind,
        at=told.at or posted.received_at,
        provider=posted.provider,
        detail=scrubbed(told.detail) or None,
        channel=posted.channel,
        posted_at=posted.received_at,
    )
