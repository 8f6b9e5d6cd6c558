"""What the steps of the audience stage share: its tables, what they emit, the draft of a batch.

A batch names the same labels and uploads again and again: the draft reads each once, and writes and tells it
once, at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemas.records import (
    AudienceAnswered,
    AudienceLabel,
    AudienceUnpublished,
    CampaignWithdrawn,
    LabelChanged,
    LabelCount,
    LabelDue,
    LabelForgotten,
    LabelsEnded,
    ProgressDue,
    ProgressForgotten,
    RequestProgress,
    StraysDue,
    UploadDue,
    UsersLabelled,
    UsersUploaded,
    WithdrawalDue,
)
from tables import labels as of_label
from tables import publications as of_request
from tables.memberships import KEEP_MS
from tables.publications import PROGRESS_KEPT_MS, Campaign, GivenAnswer
from tables.uploads import KEPT_MS, Spread, Upload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agents.ports import Table

Outcome = (
    AudienceAnswered
    | UsersLabelled
    | LabelsEnded
    | AudienceLabel
    | AudienceUnpublished
    | CampaignWithdrawn
    | LabelChanged
    | LabelDue
    | LabelForgotten
    | RequestProgress
    | ProgressForgotten
    | ProgressDue
    | UploadDue
    | StraysDue
    | WithdrawalDue
)


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    answers: Table[bytes, GivenAnswer]
    labels: Table[bytes, AudienceLabel]
    campaigns: Table[bytes, Campaign]
    uploads: Table[bytes, Upload]
    requests: Table[bytes, RequestProgress]
    strays: Table[bytes, UsersUploaded]
    spread: Table[bytes, Spread]


class Draft:
    """Labels, uploads and progress as a batch changes them. `now`: ms; `kept_ms`: see `told_until`."""

    def __init__(self, memory: Memory, now: int, kept_ms: int) -> None:
        """Nothing is read before it is asked for."""
        self.memory = memory
        self.now = now
        self._kept_ms = kept_ms
        self._labels: dict[str, AudienceLabel] = {}
        self._uploads: dict[str, Upload] = {}
        self._requests: dict[str, RequestProgress] = {}
        self._spread: dict[str, int] = {}

    def label(self, name: str) -> AudienceLabel | None:
        """A label, if it was ever published."""
        return self._labels.get(name) or self.memory.labels.get(name.encode())

    def published(self, name: str) -> AudienceLabel:
        """A label that must exist; `LookupError` if its row is gone."""
        label = self.label(name)
        if label is None:
            raise LookupError(f"label {name} has no row")
        return label

    def keep(self, labels: Iterable[AudienceLabel]) -> None:
        """Change labels."""
        self._labels.update({label.audience_label: label for label in labels})

    def told_until(self, label: AudienceLabel) -> int:
        """When (ms) HTTP processes may forget a label: so long after its end."""
        return label.ends_at + self._kept_ms

    def upload(self, upload_id: str) -> Upload | None:
        """An upload, once its command has come."""
        return self._uploads.get(upload_id) or self.memory.uploads.get(upload_id.encode())

    def keep_upload(self, upload_id: str, upload: Upload) -> None:
        """Change an upload."""
        self._uploads[upload_id] = upload

    def progress(self, request_id: str) -> RequestProgress | None:
        """How far a request has come, unless that is forgotten."""
        return self._requests.get(request_id) or self.memory.requests.get(request_id.encode())

    def keep_progress(self, progress: RequestProgress) -> None:
        """Change the progress of a request."""
        self._requests[progress.request_id] = progress

    def forget_progress(self, request_id: str) -> None:
        """Nobody asks for it any longer."""
        self._requests.pop(request_id, None)
        self.memory.requests.delete(request_id.encode())

    def spread(self, label: str) -> int:
        """The buckets that have users of a label, as bits."""
        bits = self._spread.get(label)
        if bits is None:
            row = self.memory.spread.get(label.encode())
            bits = self._spread[label] = row.bits if row is not None else 0
        return bits

    def spread_to(self, label: str, bucket: int) -> None:
        """A bucket gets users of a label."""
        self._spread[label] = self.spread(label) | 1 << bucket

    def count(self, upload_id: str, upload: Upload, counts: Iterable[LabelCount]) -> None:
        """So many users of an upload are dealt with; when none is left, what it brought shows (AUD-OP-29)."""
        after, counted = upload.count(counts)
        now = self.now
        self.keep(of_label.counted(self.published(one.audience_label), one, now) for one in counted)
        if (progress := self.progress(upload.request_id)) is not None:
            self.keep_progress(of_request.counted(progress, counted, now))
        if upload.is_open and not after.left:
            labels = [(self.published(one.audience_label), one.number) for one in after.labels]
            self.keep(of_label.finished(label, number, now) for label, number in labels)
            after = Upload.closed(upload.request_id)
        self.keep_upload(upload_id, after)

    def written(self) -> Iterator[Outcome]:
        """Write all that has changed, and tell it."""
        memory, now = self.memory, self.now
        for upload_id, upload in self._uploads.items():
            kept_ms = 2 * KEPT_MS if upload.is_open else KEPT_MS  # a timer closes it before
            memory.uploads.put(upload_id.encode(), upload, expires_at=now + kept_ms)
        for name, bits in self._spread.items():
            ends_at = self.published(name).ends_at
            memory.spread.put(name.encode(), Spread.of(bits), expires_at=ends_at + KEEP_MS)
        for label in self._labels.values():
            memory.labels.put(label.audience_label.encode(), label)
            if self.told_until(label) > now:  # else it would come back, and never leave again
                yield label
        for progress in self._requests.values():
            kept_until = now + 2 * PROGRESS_KEPT_MS  # the timer ends it; this only if the timer is lost
            memory.requests.put(progress.request_id.encode(), progress, expires_at=kept_until)
            yield progress
