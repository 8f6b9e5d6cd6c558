"""What the plain requests for a mailbox answer."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from connectors.http.mailbox.frames import Counts, MessageFrame


class MailboxAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a mailbox, the newest message first, without what is archived."""

    messages: list[MessageFrame]
    counts: Counts
    cursor: Annotated[str, Meta(description="For a connection: what comes after all that is there now.")]
    next: Annotated[str | None, Meta(description="For the next page, as `before`; null on the last one.")]


class ActAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is durable now."""

    act: str
    message_ids: list[str]
