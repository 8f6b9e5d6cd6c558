"""Every record that crosses a topic, a table or the HTTP edge, as frozen values.

Times are milliseconds since the epoch, UTC, and end in `_at`. Ids are strings. `Sealed` bytes are ciphertext
with a key id (NS-SEC-OP-01): addresses, tokens, rendered content and secret variables never stand in clear.
"""

from __future__ import annotations

from schemas.records.fallback import (
    FallbackAsked,
    FallbackDue,
    FallbackGranted,
    FallbackOff,
    FallbackPlanned,
    MessageSeen,
)
from schemas.records.messages import (
    AttemptEnded,
    CallEnded,
    Content,
    MessageQueued,
    ProviderCall,
    RetryDue,
    SendTask,
)
from schemas.records.reference import NotificationType, Provider, Rule, SeenDestination, SeenTag, Template
from schemas.records.requests import (
    CancelAsked,
    CancelRequest,
    ContactChanged,
    Device,
    DomainEvent,
    PreferenceChanged,
    RequestDecided,
    RequestDue,
    RequestReceived,
    SendRequest,
)
from schemas.records.results import (
    MessageRow,
    NotificationEvent,
    StatsDue,
    StatsForgotten,
    StatsPartial,
    StatsRecord,
    StatusLogged,
)
from schemas.records.root import Record, Sealed
from schemas.records.seen import (
    SeenCall,
    SeenCallEnded,
    SeenDue,
    SeenFact,
    SeenFailed,
    SeenParcel,
    SeenPosted,
    SeenRouted,
)

__all__ = [
    "AttemptEnded",
    "CallEnded",
    "CancelAsked",
    "CancelRequest",
    "ContactChanged",
    "Content",
    "Device",
    "DomainEvent",
    "FallbackAsked",
    "FallbackDue",
    "FallbackGranted",
    "FallbackOff",
    "FallbackPlanned",
    "MessageQueued",
    "MessageRow",
    "MessageSeen",
    "NotificationEvent",
    "NotificationType",
    "PreferenceChanged",
    "Provider",
    "ProviderCall",
    "Record",
    "RequestDecided",
    "RequestDue",
    "RequestReceived",
    "RetryDue",
    "Rule",
    "Sealed",
    "SeenCall",
    "SeenCallEnded",
    "SeenDestination",
    "SeenDue",
    "SeenFact",
    "SeenFailed",
    "SeenParcel",
    "SeenPosted",
    "SeenRouted",
    "SeenTag",
    "SendRequest",
    "SendTask",
    "StatsDue",
    "StatsForgotten",
    "StatsPartial",
    "StatsRecord",
    "StatusLogged",
    "Template",
]
