"""Audiences: how labels end, in the topics, and what others are told of it (CRM-OP-03)."""

from __future__ import annotations

from schemas.records.root import Record


class EndedLabel(Record, frozen=True, kw_only=True):
    """A label that was withdrawn. `ends_at`: as its entries have it."""

    audience_label: str
    ends_at: int


class LabelsEnded(Record, frozen=True, kw_only=True):
    """Labels that were withdrawn: their entries in this bucket are garbage."""

    bucket: int
    labels: list[EndedLabel]


class CampaignWithdrawn(Record, frozen=True, kw_only=True):
    """`campaigns.withdrawn`: nothing more is sent of a campaign, whenever it was asked for (CRM-OP-03).

    Its label is never used again. `withdrawn_at`: ms.
    """

    campaign_label: str
    withdrawn_at: int


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
