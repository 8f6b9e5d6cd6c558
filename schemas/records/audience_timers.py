"""Audiences: timers of their stages, and tombstones of what a topic shows no longer."""

from __future__ import annotations

from schemas.records.audience import AudienceWithdrawn
from schemas.records.root import Record


class ProgressDue(Record, frozen=True, kw_only=True):
    """Timer: the progress of a request need not be known any longer."""

    request_id: str
    due_at: int


class ProgressForgotten(Record, frozen=True, kw_only=True):
    """Tombstone for the progress of a request."""

    request_id: str


class UploadDue(Record, frozen=True, kw_only=True):
    """Timer: users of an upload that have not come by now will not come any more."""

    upload_id: str
    due_at: int


class StraysDue(Record, frozen=True, kw_only=True):
    """Timer: users that came before their command are dealt with, or have waited long enough for it."""

    upload_id: str
    due_at: int


class WithdrawalDue(Record, frozen=True, kw_only=True):
    """Timer: a withdrawal goes on. `done`: labels that it has dealt with."""

    command: AudienceWithdrawn
    done: int
    due_at: int


class EntriesDue(Record, frozen=True, kw_only=True):
    """Timer: entries in a bucket that end at `ends_at` are garbage: all, or those of one label.

    `after`: where the last step came to.
    """

    bucket: int
    ends_at: int
    due_at: int
    audience_label: str = ""
    after: str = ""


class LabelDue(Record, frozen=True, kw_only=True):
    """Timer: a label has ended so long ago that HTTP processes need not know it any longer."""

    audience_label: str
    due_at: int


class LabelForgotten(Record, frozen=True, kw_only=True):
    """Tombstone for a label in `audience.labels`."""

    audience_label: str
