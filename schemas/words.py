"""The closed lists of the product: channels, lanes, statuses, outcomes, reasons (NS-SND-OP-06, NS-EVT-OP-04).

Values are what stands in topics, rows and metric labels. A word that is not here does not exist.
"""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """Way of delivery (NS-OV-021); the words of the SQL columns and topic names."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    IN_APP = "in_app"


class Lane(StrEnum):
    """Priority class of a request (NS-SND-OP-02), highest first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Category(StrEnum):
    """Kind of a notification type (NS-EVT-OP-13)."""

    TRANSACTIONAL = "transactional"
    SYSTEM = "system"
    MARKETING = "marketing"
    SOCIAL = "social"


class UnknownPolicy(StrEnum):
    """What happens to an attempt whose answer a crash hid (NS-SND-OP-12)."""

    REPEAT = "repeat"
    HOLD = "hold"
    ASK = "ask"


class Outcome(StrEnum):
    """How a request ended (NS-DATA-OP-21), or that it has not yet: `waiting` is followed by another.

    `noted` is of a cancel that found nothing waiting: it has a row of its own beside the request's.
    """

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REPEATED = "repeated"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NOTED = "noted"


class Status(StrEnum):
    """Where a message stands; `RANK` orders them (NS-SND-OP-06, NS-SND-OP-07)."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """How one call of a provider ended; what delivery does about each is a table in `agents/deliver.py`."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    LIMITED = "limited"
    MISCONFIGURED = "misconfigured"
    HIDDEN = "hidden"  # a crash hid the answer
    LAPSED = "lapsed"  # it was never begun


class ContactAction(StrEnum):
    """What happened to a user's contact data; `deleted` empties it, `resealed` exchanges ciphertext only.

    `bounced`: a provider reports that the stated address takes nothing.
    """

    REGISTERED = "registered"
    UPDATED = "updated"
    DELETED = "deleted"
    RESEALED = "resealed"
    BOUNCED = "bounced"


class PreferenceKind(StrEnum):
    """What a `PreferenceChanged` is about (NS-PREF-OP-06, NS-PREF-OP-07)."""

    TYPE = "type"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    CONSENT_GRANTED = "consent_granted"
    CONSENT_REVOKED = "consent_revoked"
    QUIET_HOURS_CHANGED = "quiet_hours_changed"


class WaitedFor(StrEnum):
    """Why a request waits on a timer."""

    SCHEDULED = "scheduled"
    CONTACT = "contact"
    QUIET_HOURS = "quiet_hours"
    ACCOUNT = "account"


class Reason(StrEnum):
    """Why a request or message ended as it did. The sentence of each is in `REASONS`."""

    # a request that became no message
    DUPLICATE = "duplicate"
    KEY_REUSED = "key_reused"
    UNOPENED = "unopened"
    UNKNOWN_TYPE = "unknown_type"
    UNMAPPED_EVENT = "unmapped_event"
    SENDER_NOT_ALLOWED = "sender_not_allowed"
    INVALID_TIME = "invalid_time"
    TOO_LATE = "too_late"
    NO_CONSENT = "no_consent"
    UNSUBSCRIBED_ALL_MARKETING = "unsubscribed_all_marketing"
    TYPE_DISABLED = "type_disabled"
    NO_CHANNEL_LEFT = "no_channel_left"
    NO_CONTACT = "no_contact"
    ACCOUNT_AWAY = "account_away"
    FREQUENCY_CAPPED = "frequency_capped"
    OVER_LIMIT = "over_limit"
    CANCELLED_BY_SENDER = "cancelled_by_sender"
    NOTHING_WAITS = "nothing_waits"
    QUARANTINED = "quarantined"
    QUARANTINE_REJECTED = "quarantine_rejected"
    # a message that waited when something was forbidden
    UNSUBSCRIBED_CHANNEL = "unsubscribed_channel"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    REQUEST_CANCELLED = "request_cancelled"
    USER_ERASED = "user_erased"
    CAMPAIGN_WITHDRAWN = "campaign_withdrawn"
    # a message that failed before or at the provider
    ADDRESS_BOUNCED = "address_bounced"
    INVALID_CONTACT = "invalid_contact"
    NO_TEMPLATE = "no_template"
    RENDER_FAILED = "render_failed"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_MISCONFIGURED = "provider_misconfigured"
    RECIPIENT_NOT_SERVED = "recipient_not_served"
    PROVIDER_LIMITED = "provider_limited"
    RECIPIENT_LIMITED = "recipient_limited"
    PROVIDER_PAUSED = "provider_paused"
    NO_PROVIDER = "no_provider"
    NO_DOMESTIC_PROVIDER = "no_domestic_provider"
    BUDGET_SPENT = "budget_spent"
    UNREGISTERED_DEVICE = "unregistered_device"
    DEVICE_OFF = "device_off"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    ANSWER_HIDDEN = "answer_hidden"
    HELD = "held"
    NOT_REPEATED = "not_repeated"
    # a message that failed behind the provider
    BOUNCED = "bounced"
    UNDELIVERED = "undelivered"
    # a message that is there because another was not seen, or later than it was asked for
    NOT_SEEN_IN_TIME = "not_seen_in_time"
    QUIET_HOURS = "quiet_hours"


REASONS: dict[Reason, str] = {
    Reason.DUPLICATE: "The same source, recipient and idempotency key were accepted inside the dedup window.",
    Reason.KEY_REUSED: "As `duplicate`, but the first request under the key asked for something else.",
    Reason.UNOPENED: "Sealed with a key that was withdrawn; a message on its way: with one unknown here.",
    Reason.UNKNOWN_TYPE: "The notification type is not in the registry.",
    Reason.UNMAPPED_EVENT: "No rule maps this topic and event type to a notification type.",
    Reason.SENDER_NOT_ALLOWED: "The producing service is not among the type's allowed senders.",
    Reason.INVALID_TIME: "A time of the request cannot be read or lies too far away (over 90 days ahead).",
    Reason.TOO_LATE: "The request is older than the type's time to live.",
    Reason.NO_CONSENT: "A marketing type and no consent of the user in force.",
    Reason.UNSUBSCRIBED_ALL_MARKETING: "The user unsubscribed from all marketing.",
    Reason.TYPE_DISABLED: "The user switched this type off.",
    Reason.NO_CHANNEL_LEFT: "Preferences and global unsubscribes leave no channel.",
    Reason.NO_CONTACT: "No address of the user is known for any chosen channel, after waiting for one.",
    Reason.ACCOUNT_AWAY: "Account Service did not answer: what was known before was used, the rest left out.",
    Reason.FREQUENCY_CAPPED: "The user got as much lately as the limits of `recipients` allow.",
    Reason.OVER_LIMIT: "It was sent because its type is mandatory; of others it would have been too much.",
    Reason.CANCELLED_BY_SENDER: "Whoever asked for it took it back before anything was made of it.",
    Reason.NOTHING_WAITS: "A cancel found nothing waiting: its request was decided before, or comes later.",
    Reason.QUARANTINED: "Its service asks for far more of this type than it used to: it waits for an admin.",
    Reason.QUARANTINE_REJECTED: "It waited for an admin (`quarantined`), who rejected it.",
    Reason.UNSUBSCRIBED_CHANNEL: "The user unsubscribed from this channel while the message waited.",
    Reason.CHANNEL_NOT_ALLOWED: "The user chose other channels for this type while the message waited.",
    Reason.REQUEST_CANCELLED: "The request was cancelled while the message waited.",
    Reason.USER_ERASED: "The user was deleted while the message waited.",
    Reason.CAMPAIGN_WITHDRAWN: "The campaign was withdrawn before the message was sent.",
    Reason.ADDRESS_BOUNCED: "An earlier message to this very address bounced: it waits for another address.",
    Reason.INVALID_CONTACT: "The address on file is not a valid address of its channel.",
    Reason.NO_TEMPLATE: "The type has no template for this channel, in the user's language nor in `ru`.",
    Reason.RENDER_FAILED: "The template could not be rendered with the request's data.",
    Reason.PROVIDER_REFUSED: "The provider refused the message for good.",
    Reason.PROVIDER_UNAVAILABLE: "The provider could not be reached or failed for now.",
    Reason.PROVIDER_MISCONFIGURED: "The provider refused our credentials or configuration.",
    Reason.RECIPIENT_NOT_SERVED: "Our account may not send there: a country, a token of another app.",
    Reason.PROVIDER_LIMITED: "The provider's rate limit was reached.",
    Reason.RECIPIENT_LIMITED: "The provider takes nothing more for this recipient for a while.",
    Reason.PROVIDER_PAUSED: "It waits: every provider failed lately and is left alone. No attempt is spent.",
    Reason.NO_PROVIDER: "No active provider serves the channel, or the platform of the device.",
    Reason.NO_DOMESTIC_PROVIDER: "Channel or type forbid foreign providers, and no domestic one is active.",
    Reason.BUDGET_SPENT: "A budget of channel, campaign or provider is spent; only mandatory types pass.",
    Reason.UNREGISTERED_DEVICE: "The push provider knows the device no longer; it gets no more pushes.",
    Reason.DEVICE_OFF: "The device was switched off, or its token moved to another, while the push waited.",
    Reason.ATTEMPTS_EXHAUSTED: "Temporary errors used up every attempt.",
    Reason.ANSWER_HIDDEN: "A crash hid the provider's answer; the type's policy decides what follows.",
    Reason.HELD: "The answer is hidden and the type's policy is to hold: it is not sent again.",
    Reason.NOT_REPEATED: "The answer is hidden, and no attempt, time or provider is left to send it again.",
    Reason.BOUNCED: "The provider reported later that the address takes nothing; it is not used any more.",
    Reason.UNDELIVERED: "The provider took the message and reported later that it could not be delivered.",
    Reason.NOT_SEEN_IN_TIME: "Nobody saw the request's messages in time: a reserve channel is used.",
    Reason.QUIET_HOURS: "It waits, or waited, for the end of the quiet hours of the user or of the type.",
}

RANK: dict[Status, int] = {
    Status.PENDING: 0,
    **dict.fromkeys((Status.SKIPPED, Status.EXPIRED, Status.CANCELLED), 1),
    Status.UNKNOWN: 2,
    Status.SENT: 3,
    Status.FAILED: 4,
    Status.DELIVERED: 5,
    Status.OPENED: 6,
    Status.CLICKED: 7,
}
