"""Messages: queued, on their way through a channel, called, answered."""

from __future__ import annotations

from schemas.records.preferences import QuietHours
from schemas.records.root import Record, Sealed


class MessageQueued(Record, frozen=True, kw_only=True):
    """A message exists and waits for its channel. Topic `outcomes`; the `pending` row."""

    message_id: str
    request_id: str
    user_id: str
    channel: str
    lane: str
    notification_type: str
    category: str
    source: str
    idempotency_key: str
    recipient: Sealed  # of a push to a known device its id, not its token (NS-DATA-OP-15)
    payload: bytes  # JSON used for rendering, secret values masked as "***"
    created_at: int
    expires_at: int
    language: str | None = None
    template: str | None = None
    template_version: int | None = None
    scheduled_at: int | None = None
    status: str = (
        "pending"  # `failed` when it failed before a channel (no template, render error, bad contact)
    )
    reason: str | None = None
    detail: str | None = None
    is_awaited: bool = False  # a reserve channel may follow if nobody sees it
    segments: int | None = None  # of a text message, as an operator bills it
    campaign_id: str | None = None
    campaign_label: str | None = None
    variant: str | None = None  # of a campaign
    is_test: bool = False  # sent to be looked at; no statistics count it


class SendTask(Record, frozen=True, kw_only=True):
    """One message for one address. Topic `channel.<channel>.<lane>`."""

    message_id: str
    request_id: str
    user_id: str
    channel: str
    lane: str
    notification_type: str
    category: str
    source: str
    idempotency_key: str
    address: Sealed
    content: Sealed  # JSON of Content
    created_at: int
    expires_at: int
    unknown_policy: str
    max_attempts: int = 6
    attempt: int = 1  # the attempt to make next, from 1
    epoch: int = 0  # raised each time an attempt is repeated after a hidden answer
    passes: int = 0  # full passes over the providers that ended in a backoff
    waits: int = 0  # waits that spent no attempt: a provider's limit, an unanswered question, quiet hours
    tried: list[str] = []  # providers that failed for now in this pass
    barred: list[str] = []  # providers that refused our credentials: out for this message
    preferences_version: int = 0  # of what the user had chosen when the message was made
    quiet: QuietHours | None = None  # when it must not be sent, with the time zone
    device_id: str | None = None  # of a push to a known device
    platform: str | None = None  # of a push: which providers understand its token
    segments: int | None = None  # of a text message, as an operator bills it
    campaign_label: str | None = None
    not_before: dict[str, int] = {}  # providers that failed and said when to come back: until then (ms)


class Button(Record, frozen=True, kw_only=True):
    """What a push offers below its text (NS-CH-034). `name`: by which an app knows it."""

    name: str
    label: str
    url: str


class Content(Record, frozen=True, kw_only=True):
    """What a template made: the fields its channel uses. `segments`: of a text message (NS-CH-OP-08).

    `unsubscribe_url`: of marketing; a mail program offers it beside the mail (RFC 8058). `image`, `buttons`:
    of a push.
    """

    body: str
    subject: str | None = None
    title: str | None = None
    body_text: str | None = None
    segments: int | None = None
    unsubscribe_url: str | None = None
    image: str | None = None
    buttons: list[Button] = []


class ProviderCall(Record, frozen=True, kw_only=True):
    """The effect: hand one message to a provider. Idempotency key for the provider: `<message_id>:<epoch>`.

    With `ask` nothing is sent: the provider is asked what became of that key, and answers accepted or
    delivered, permanent (it never saw it), or temporary (ask again). `cost`: of what is sent, or was, in
    millionths (`schemas.money`); None: not known. `is_limited`: budgets hold for it.
    """

    task: SendTask
    provider: str
    ask: bool = False
    cost: int | None = None
    is_limited: bool = False


class CallEnded(Record, frozen=True, kw_only=True):
    """What a provider answered, or that nobody knows.

    verdict: accepted | delivered | temporary | permanent | limited | misconfigured | hidden | lapsed
    """

    call: ProviderCall
    verdict: str
    reason: str | None = None
    detail: str | None = None
    provider_message_id: str | None = None
    retry_after_ms: int | None = None


class RetryDue(Record, frozen=True, kw_only=True):
    """Timer: try this task again at `due_at`; with `ask`, put the question to that provider again instead.

    `cost`: of the call that the question is about.
    """

    task: SendTask
    due_at: int
    ask: str | None = None
    cost: int | None = None


class AttemptEnded(Record, frozen=True, kw_only=True):
    """A status fact about one message. Topic `outcomes`."""

    event_id: str
    message_id: str
    request_id: str
    user_id: str
    channel: str
    lane: str
    notification_type: str
    category: str
    source: str
    idempotency_key: str
    created_at: int
    status: str  # a Status, or `retrying` (logged, moves nothing)
    at: int
    attempt: int
    epoch: int
    reason: str | None = None
    detail: str | None = None
    provider: str | None = None
    provider_message_id: str | None = None
    cost: int | None = None  # of the message that the provider took, in millionths; None: not known
