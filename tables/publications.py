"""Tables of what was asked of audiences: answers by key, campaigns, uploads under way, progress of requests.

answers    key operation, U+0000, idempotency key    value `GivenAnswer`, for 24 hours (AUD-OP-10)
campaigns  key campaign label                        value `Campaign`
uploads    key upload id                             value `Upload`, for 24 hours
requests   key request id                            value `RequestProgress`, for 7 days after its last change
writer     agents/assign.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from schemas.records import AudienceAnswered, RequestCount, RequestProgress

if TYPE_CHECKING:
    from schemas.records import LabelAsked, UsersCounted

DAY_MS = 86_400_000
REMEMBERED_MS = DAY_MS
PROGRESS_KEPT_MS = 7 * DAY_MS


class GivenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to the first request under a key, and the digest of its body."""

    digest: bytes
    answer: AudienceAnswered


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of a campaign, in the order of their publication."""

    labels: list[str] = []
    is_withdrawn: bool = False

    def add(self, labels: list[str]) -> Campaign:
        """With these labels."""
        return replace(self, labels=list(dict.fromkeys([*self.labels, *labels])))


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was accepted and whose users follow. `numbers`: label → number of the request in it."""

    request_id: str
    numbers: dict[str, int]


def asked_for(
    before: RequestProgress | None, request_id: str, labels: list[LabelAsked], now: int
) -> RequestProgress:
    """Progress of a request; one id may come with several accepted bodies, under tokens of their own."""
    counts = {count.audience_label: count for count in (before.counts if before else [])}
    for label in labels:
        known = counts.get(label.audience_label) or RequestCount(
            audience_label=label.audience_label, communication_id=label.communication_id, total=0
        )
        counts[label.audience_label] = replace(known, total=known.total + label.users)
    done = before is None or all(one.processed + one.failed >= one.total for one in before.counts)
    accepted_at = now if before is None or done else before.accepted_at
    return RequestProgress(
        request_id=request_id, updated_at=now, accepted_at=accepted_at, counts=list(counts.values())
    )


def counted(before: RequestProgress, count: UsersCounted, now: int) -> RequestProgress:
    """With so many users of one label dealt with."""
    counts = [
        replace(one, processed=one.processed + count.processed, failed=one.failed + count.failed)
        if one.audience_label == count.audience_label
        else one
        for one in before.counts
    ]
    return replace(before, updated_at=now, counts=counts)
