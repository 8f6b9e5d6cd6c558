"""Tables of users on their way: uploads, users that came before their command, buckets that have a label.

uploads    key upload id                              value `Upload`, for `KEPT_MS` after its end
strays     key upload id, U+0000, place (4 bytes)     value `UsersUploaded`, for `KEPT_MS`
spread     key audience label                         value `Spread`, until its entries are gone
writer     agents/audience.py, agents/hand_on.py

Every command leaves a row, a refused one too: users without a row came before their command, and wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from schemas.ids import BUCKETS
from schemas.records import LabelCount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.records import AudienceLabel

DAY_MS = 86_400_000
KEPT_MS = 60 * DAY_MS
"""Longer than a record lies in its topic (7 days), in the dead letters (30), and in a topic once more."""
PATIENCE_MS = 3_600_000
"""A command that has not come an hour after its users is probably among the dead letters: that is told."""


class UploadedLabel(msgspec.Struct, frozen=True, kw_only=True):
    """One label of an upload. `number`: of the request in it; `left`: users not dealt with yet."""

    audience_label: str
    number: int
    left: int


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A publish request from its command on.

    `taken`: a bit for each record of users that was handed on. Not open: whatever comes is passed over.
    """

    request_id: str
    taken: bytes
    labels: list[UploadedLabel] = []
    is_open: bool = True

    @classmethod
    def of(cls, request_id: str, labels: Iterable[tuple[AudienceLabel, int]]) -> Upload:
        """A request that was accepted; labels in its order, each with how many users are to get it."""
        found = [
            UploadedLabel(audience_label=label.audience_label, number=label.requests, left=users)
            for label, users in labels
        ]
        return cls(request_id=request_id, taken=b"", labels=found, is_open=any(one.left for one in found))

    @classmethod
    def closed(cls, request_id: str) -> Upload:
        """Nothing more is to come, or to be taken of what comes."""
        return cls(request_id=request_id, taken=b"", is_open=False)

    @property
    def left(self) -> int:
        """Users not dealt with yet."""
        return sum(one.left for one in self.labels)

    def take(self, place: int) -> Upload | None:
        """With a record of users handed on; None when it came before, or nothing is to come."""
        taken, bit = int.from_bytes(self.taken, "big"), 1 << place
        if not self.is_open or taken & bit:
            return None
        taken |= bit
        return replace(self, taken=taken.to_bytes((taken.bit_length() + 7) // 8, "big"))

    def count(self, counts: Iterable[LabelCount]) -> tuple[Upload, list[LabelCount]]:
        """With so many users dealt with, and what of it counts: never more than were left."""
        labels = {label.audience_label: label for label in self.labels}
        counted = []
        for one in counts if self.is_open else ():
            label = labels[one.audience_label]
            processed = min(one.processed, label.left)
            failed = min(one.failed, label.left - processed)
            counted.append(replace(one, processed=processed, failed=failed))
            labels[one.audience_label] = replace(label, left=label.left - processed - failed)
        return replace(self, labels=list(labels.values())), counted

    def rest(self) -> list[LabelCount]:
        """All that are left, as users who could not be labelled."""
        return [
            LabelCount(audience_label=one.audience_label, failed=one.left) for one in self.labels if one.left
        ]


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The buckets that have users of a label, a bit for each."""

    buckets: bytes

    @classmethod
    def of(cls, bits: int) -> Spread:
        """From the bits as a number."""
        return cls(buckets=bits.to_bytes(BUCKETS // 8, "big"))

    @property
    def bits(self) -> int:
        """The bits as a number."""
        return int.from_bytes(self.buckets, "big")


def buckets_in(bits: int) -> Iterator[int]:
    """The buckets whose bits are set, in order."""
    return (bucket for bucket in range(BUCKETS) if bits >> bucket & 1)


def strays_prefix(upload_id: str) -> bytes:
    """How the keys of an upload's strays begin."""
    return upload_id.encode() + b"\0"


def stray_key(upload_id: str, place: int) -> bytes:
    """Key of one record of users."""
    return strays_prefix(upload_id) + place.to_bytes(4, "big")
