"""Tables of what was asked of audiences: answers by key, campaigns, progress of requests.

answers    key operation, U+0000, idempotency key    value `GivenAnswer`, for 24 hours (AUD-OP-10)
campaigns  key campaign label                        value `Campaign`
requests   key request id                            value `RequestProgress`, for 7 days after its last change
writer     agents/assign.py, agents/withdraw.py, agents/hand_on.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from schemas.records import AudienceAnswered, RequestCount, RequestProgress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.records import LabelAsked, LabelCount

DAY_MS = 86_400_000
REMEMBERED_MS = DAY_MS
PROGRESS_KEPT_MS = 7 * DAY_MS
MOST_LABELS = 1_000
"""Of a campaign: its row, and the answer that names them all, must fit into a record (CRM-064)."""
MOST_COUNTS = 300
"""Of one request id, three full requests: it may come again and again under tokens of their own."""


class GivenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to the first request under a key, and the digest of its body."""

    digest: bytes
    answer: AudienceAnswered


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of a campaign, in the order of their publication."""

    labels: list[str] = []
    is_withdrawn: bool = False

    def add(self, labels: list[str]) -> Campaign:
        """With these labels; the same if it has them."""
        added = list(dict.fromkeys([*self.labels, *labels]))
        return self if len(added) == len(self.labels) else replace(self, labels=added)


def asked_for(
    before: RequestProgress | None, request_id: str, labels: list[LabelAsked], now: int
) -> RequestProgress:
    """Progress of a request; one id may come with several accepted bodies, under tokens of their own.

    Of more than `MOST_COUNTS` labels the first ones are forgotten, those that are done before others.
    """
    counts = {count.audience_label: count for count in (before.counts if before else [])}
    for label in labels:
        known = counts.pop(label.audience_label, None) or RequestCount(
            audience_label=label.audience_label, communication_id=label.communication_id, total=0
        )
        counts[label.audience_label] = replace(known, total=known.total + label.users)
    has_ended = before is None or all(_is_done(count) for count in before.counts)
    accepted_at = now if before is None or has_ended else before.accepted_at
    return RequestProgress(
        request_id=request_id, updated_at=now, accepted_at=accepted_at, counts=_last(list(counts.values()))
    )


def _last(counts: list[RequestCount]) -> list[RequestCount]:
    """At most so many, in their order."""
    surplus = len(counts) - MOST_COUNTS
    if surplus <= 0:
        return counts
    places = sorted(range(len(counts)), key=lambda place: not _is_done(counts[place]))
    return [counts[place] for place in sorted(places[surplus:])]


def _is_done(count: RequestCount) -> bool:
    return count.processed + count.failed >= count.total


def counted(before: RequestProgress, counts: Iterable[LabelCount], now: int) -> RequestProgress:
    """With so many users dealt with; labels that were forgotten are left out."""
    told = {one.audience_label: one for one in counts}
    after = [
        replace(one, processed=one.processed + new.processed, failed=one.failed + new.failed)
        if (new := told.get(one.audience_label)) is not None
        else one
        for one in before.counts
    ]
    return replace(before, updated_at=now, counts=after)
