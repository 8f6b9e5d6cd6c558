"""Audiences: how labels end, in the topics, and what others are told of it (CRM-OP-03)."""

from __future__ import annotations

from schemas.records.root import Record


class LabelDue(Record, frozen=True, kw_only=True):
    """Timer: a label has ended so long ago that HTTP processes need not know it any longer."""

    audience_label: str
    due_at: int


class LabelForgotten(Record, frozen=True, kw_only=True):
    """Tombstone for a label in `audience.labels`."""

    audience_label: str


class AudienceUnpublished(Record, frozen=True, kw_only=True):
    """`audience.unpublished`, JSON: a label was withdrawn. What waits to be sent of it should be dropped.

    `request_id`: as the caller named the withdrawal. `timestamp`: RFC 3339; it is not shown from then on.
    """

    event_type: str
    audience_label: str
    campaign_label: str
    communication_id: str
    request_id: str
    timestamp: str
