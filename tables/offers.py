"""Table `offers`: the campaign and the communication of labels whose names do not tell them.

key     bucket (2 bytes), audience label (utf-8)
value   `Offer`
writer  agents/tally_labels.py

Most names tell: a personal label is `<campaign>:<communication>` (AUD-OP-13). Of small labels, rows by bucket
would be as many as users; so only other labels have them, `promotion.<id>` say. They end with the entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from schemas.records import AudienceLabel


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a label offers its users. `communication_id`: None where nobody said it."""

    campaign_label: str
    communication_id: str | None


def named(audience_label: str) -> Offer:
    """What the name says. A campaign has no colon in its name; a promotion's label may, and has rows then."""
    campaign, _, communication = audience_label.partition(":")
    return Offer(campaign_label=campaign, communication_id=communication or None)


def untold(label: AudienceLabel) -> Offer | None:
    """What the name of the label does not say, or says wrongly; None if all is said."""
    offer = Offer(campaign_label=label.campaign_label, communication_id=label.communication_id)
    return None if offer == named(label.audience_label) else offer


def key_of(bucket: int, audience_label: str) -> bytes:
    """Its row in a bucket."""
    return bucket.to_bytes(2, "big") + audience_label.encode()
