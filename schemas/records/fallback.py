"""Reserve channels for what was not seen in time (SEEN-OP-01), and receipts of messages (GEN-OP-06)."""

from __future__ import annotations

from schemas.records.preferences import QuietHours
from schemas.records.requests import RequestReceived
from schemas.records.root import Record


class FallbackPlanned(Record, frozen=True, kw_only=True):
    """Messages of a request went out, and a reserve channel follows if nobody sees them. Topic `outcomes`."""

    request: RequestReceived
    message_ids: list[str]
    channels: list[str]  # those that got a message
    after_ms: int
    planned_at: int
    expires_at: int
    quiet: QuietHours | None = None  # when no channel is used, with the time zone


class FallbackDue(Record, frozen=True, kw_only=True):
    """Timer: by now a receipt of the request's messages should be there."""

    user_id: str
    wait_id: str
    due_at: int


class FallbackOff(Record, frozen=True, kw_only=True):
    """The timer of that wait and time is not needed any longer."""

    wait_id: str
    due_at: int


class FallbackAsked(Record, frozen=True, kw_only=True):
    """A question to all that may still be under way. Topic `facts.seen`, then `outcomes`.

    It goes where seen facts go, in their order: when it is back, every post that was answered 200 before the
    timer fired has been taken in, however far a stage lags behind.
    """

    user_id: str
    wait_id: str


class ReceiptsAsked(Record, frozen=True, kw_only=True):
    """The same question to what providers reported. Topic `provider.receipts`, then `outcomes`.

    `providers`: those that were called; it lies behind all posts of the first, the others come after.
    """

    user_id: str
    wait_id: str
    providers: list[str]


class FallbackGranted(Record, frozen=True, kw_only=True):
    """No receipt came: the next channel may be used. Topic `request.<lane>`."""

    plan: FallbackPlanned


class MessageSeen(Record, frozen=True, kw_only=True):
    """A seen fact under a reserved tag, whose id is that of a message. Topic `outcomes`."""

    message_id: str
    user_id: str
    tag: str
    seen_at: int
