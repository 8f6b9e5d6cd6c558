"""What a batch of the members stage adds to the statistics of labels: labelled, seen, withdrawn.

consumes / keeps / emits  a part of agents/enlist.py; writes the table offers

A user counts once as labelled, however many requests bring the label; once as withdrawn, if his entry is
taken away before the label's end; as seen with each first fact, under every label of his with that
communication.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.records import LabelPartial
from tables import offers
from tables.memberships import KEEP_MS
from tables.offers import Offer
from tables.windows import Count, LabelDimensions, Windows, dated

if TYPE_CHECKING:
    from agents.ports import Table
    from schemas.records import CommunicationSeen, EntriesDue, LabelGiven
    from tables.memberships import Memberships


class Tally:
    """Counts of one batch, at its `now` (ms)."""

    def __init__(self, rows: Table[bytes, Offer], now: int) -> None:
        """`rows`: the table `offers`."""
        self.now = now
        self._rows = rows
        self._windows = Windows(LabelPartial)

    def labelled(self, bucket: int, given: LabelGiven, users: int) -> None:
        """So many users have a label that they had not before."""
        if not users:
            return
        if given.campaign_label is not None:
            key = offers.key_of(bucket, given.audience_label)
            if self._rows.get(key) is None:
                offer = Offer(campaign_label=given.campaign_label, communication_id=given.communication_id)
                self._rows.put(key, offer, expires_at=given.ends_at + KEEP_MS)
        self._add("labelled", bucket, given.audience_label, users)

    def taken_away(self, due: EntriesDue, users: int) -> None:
        """So many users have a label no longer; counted unless it ended by itself (it was due at its end)."""
        if users and due.audience_label and due.due_at < due.ends_at:
            self._add("withdrawn", due.bucket, due.audience_label, users)

    def seen(self, fact: CommunicationSeen, known: Memberships) -> None:
        """A user saw a communication: under his labels with it that had not ended."""
        for entry in known.entries:
            offer = self._offer(fact.bucket, entry.audience_label)
            if offer.communication_id == fact.communication_id and fact.seen_at < entry.ends_at:
                dimensions = _dimensions(entry.audience_label, offer)
                self._windows.add([dated("seen", fact.seen_at, self.now, dimensions)])

    def partials(self) -> list[LabelPartial]:
        """What the stats stage adds up."""
        return self._windows.partials()

    def _add(self, metric: str, bucket: int, audience_label: str, users: int) -> None:
        dimensions = _dimensions(audience_label, self._offer(bucket, audience_label))
        self._windows.add([Count(metric, self.now, dimensions, users)])

    def _offer(self, bucket: int, audience_label: str) -> Offer:
        return self._rows.get(offers.key_of(bucket, audience_label)) or offers.named(audience_label)


def _dimensions(audience_label: str, offer: Offer) -> LabelDimensions:
    return LabelDimensions(audience_label, offer.campaign_label, offer.communication_id)
