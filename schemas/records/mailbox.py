"""What clients say of messages in the app."""

from __future__ import annotations

from schemas.records.root import Record


class MailboxActed(Record, frozen=True, kw_only=True):
    """A user, or a client of his, did something with messages in his mailbox. Topic `facts.mailbox`.

    act: ack | seen | read | archive
    """

    user_id: str
    act: str
    message_ids: list[str]
    at: int
