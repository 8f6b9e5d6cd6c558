"""What HTTP processes need not know any longer: the progress of old requests, labels that have long ended.

consumes  timers (ProgressDue, LabelDue)
keeps     requests, spread
emits     ProgressForgotten, LabelForgotten (audience.labels); a timer anew that came too early

The stage's own row of a label stays: its name is taken for ever (AUD-OP-01, CRM-OP-02).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.records import LabelDue, LabelForgotten, ProgressDue, ProgressForgotten
from tables.publications import PROGRESS_KEPT_MS

if TYPE_CHECKING:
    from agents.audience import Draft, Outcome
    from schemas.records import AudienceLabel


def forget_progress(due: ProgressDue, draft: Draft) -> list[Outcome]:
    """The progress of a request ends so long after its last change."""
    progress = draft.progress(due.request_id)
    if progress is not None and progress.updated_at + PROGRESS_KEPT_MS > draft.now:
        return [ProgressDue(request_id=due.request_id, due_at=progress.updated_at + PROGRESS_KEPT_MS)]
    draft.forget_progress(due.request_id)
    return [ProgressForgotten(request_id=due.request_id)]


def forget_later(label: AudienceLabel, draft: Draft) -> LabelDue:
    """The timer of a label whose end is new."""
    return LabelDue(audience_label=label.audience_label, due_at=draft.told_until(label))


def forget_label(due: LabelDue, draft: Draft) -> list[Outcome]:
    """A label that nobody is shown any more, whose entries are gone: its tombstone."""
    label = draft.label(due.audience_label)
    if label is not None and draft.told_until(label) > draft.now:  # it is to be kept for longer now
        return [forget_later(label, draft)]
    draft.memory.spread.delete(due.audience_label.encode())
    return [LabelForgotten(audience_label=due.audience_label)]
