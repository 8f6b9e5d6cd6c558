"""The audience stage: the one place that decides on labels.

consumes  audience.commands (AudiencePublished, AudienceWithdrawn), audience.progress (UsersCounted),
          audience.users (UsersUploaded), timers (ProgressDue, UploadDue, StraysDue, WithdrawalDue,
          LabelDue)
keeps     answers, labels, campaigns, uploads, requests, strays, spread
emits     AudienceAnswered (audience.answers); UsersLabelled, LabelsEnded (facts.labels); AudienceLabel,
          RequestProgress, ProgressForgotten, LabelForgotten (audience.labels), once per batch; LabelChanged
          (rows); AudienceUnpublished (audience.unpublished); CampaignWithdrawn (campaigns.withdrawn);
          ProgressDue, UploadDue, StraysDue, WithdrawalDue, LabelDue (timers)

Users of a request that was refused, or answered before, are passed over. One task has it all, so that a key
is the same key whatever campaign it comes with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from agents import hand_on, withdraw
from agents.audience import Draft
from agents.forget import forget_label, forget_later, forget_progress
from agents.reply import accepted, refused, repeated
from schemas.audience_words import AudienceOutcome
from schemas.records import (
    AudiencePublished,
    AudienceWithdrawn,
    LabelChanged,
    LabelDue,
    ProgressDue,
    StraysDue,
    UploadDue,
    UsersCounted,
    UsersUploaded,
    WithdrawalDue,
)
from tables import labels as of_label
from tables import publications as of_request
from tables.publications import MOST_LABELS, PROGRESS_KEPT_MS, Campaign
from tables.uploads import KEPT_MS, Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from agents.audience import Memory, Outcome
    from agents.ports import Stream

Command = AudiencePublished | AudienceWithdrawn
Timer = ProgressDue | UploadDue | StraysDue | WithdrawalDue | LabelDue


async def assign(stream: Stream, memory: Memory, kept_ms: int) -> AsyncIterator[Outcome]:
    """One batch of the stage's one task. `kept_ms`: so long HTTP processes know a label after its end."""
    draft = Draft(memory, stream.now, kept_ms)
    async for event in stream:
        for outcome in decide(event.value, draft):
            yield outcome
    for outcome in draft.written():
        yield outcome


def decide(value: Command | UsersUploaded | UsersCounted | Timer, draft: Draft) -> Iterable[Outcome]:
    """What follows from one input, beside what the draft keeps."""
    match value:
        case AudiencePublished():
            return _published(value, draft)
        case AudienceWithdrawn():
            return repeated(value, b"unpublish", draft.memory.answers) or withdraw.withdraw(value, draft)
        case UsersUploaded():
            return hand_on.hand_on(value, draft)
        case UsersCounted():
            return hand_on.count(value, draft)
        case _:
            return _when_due(value, draft)


def _when_due(due: Timer, draft: Draft) -> Iterable[Outcome]:
    match due:
        case WithdrawalDue():
            return withdraw.go_on(due, draft)
        case StraysDue():
            return hand_on.go_on(due, draft)
        case UploadDue():
            return hand_on.end(due, draft)
        case ProgressDue():
            return forget_progress(due, draft)
        case LabelDue():
            return forget_label(due, draft)
        case _:
            assert_never(due)


def _published(command: AudiencePublished, draft: Draft) -> list[Outcome]:
    """The answer; users of a request that is not accepted are passed over, those before it and behind it.

    A command that comes once more (a second redrive) has its answer: nobody waits, and nothing follows it.
    """
    if draft.upload(command.upload_id) is not None:
        return []
    outcomes: list[Outcome] = list(repeated(command, b"publish", draft.memory.answers))
    if not outcomes:
        why = _conflict(command, draft)
        outcomes = [refused(command, AudienceOutcome.CONFLICT, why)] if why else _accept(command, draft)
    if draft.upload(command.upload_id) is None:
        draft.keep_upload(command.upload_id, Upload.closed(command.request_id))
    return [*outcomes, *hand_on.decided(command.upload_id, draft)]


def _conflict(command: AudiencePublished, draft: Draft) -> str:
    """Why the request is refused; empty if it is not."""
    name = command.campaign_label
    campaign = draft.memory.campaigns.get(name.encode()) or Campaign()
    if campaign.is_withdrawn:
        return f"campaign {name} was withdrawn"
    if len(campaign.add([asked.audience_label for asked in command.labels]).labels) > MOST_LABELS:
        return f"campaign {name} would have more than {MOST_LABELS} labels"
    found = [of_label.conflict(draft.label(asked.audience_label), asked) for asked in command.labels]
    return "; ".join(text for text in found if text is not None)


def _accept(command: AudiencePublished, draft: Draft) -> list[Outcome]:
    now, upload_id, request_id = draft.now, command.upload_id, command.request_id
    known = {asked.audience_label: draft.label(asked.audience_label) for asked in command.labels}
    labels = [
        of_label.published(known[asked.audience_label], asked, command.campaign_label, now)
        for asked in command.labels
    ]
    draft.keep(labels)
    _join(command.campaign_label, known, draft)
    users = zip(labels, (asked.users for asked in command.labels), strict=True)
    upload = Upload.of(request_id, users)
    draft.keep_upload(upload_id, upload)
    before = draft.progress(request_id)
    draft.keep_progress(of_request.asked_for(before, request_id, command.labels, now))
    new = [label for label in labels if known[label.audience_label] is None]
    rows = [LabelChanged(label=label) for label in new]
    answer = accepted(command, b"publish", labels, now, draft.memory.answers)
    ends = [UploadDue(upload_id=upload_id, due_at=now + KEPT_MS)] if upload.is_open else []
    timers = [forget_later(label, draft) for label in new]
    return [answer, *rows, ProgressDue(request_id=request_id, due_at=now + PROGRESS_KEPT_MS), *ends, *timers]


def _join(name: str, labels: Mapping[str, object], draft: Draft) -> None:
    """The campaign has these labels too."""
    campaigns, key = draft.memory.campaigns, name.encode()
    before = campaigns.get(key) or Campaign()
    after = before.add(list(labels))
    if after is not before:
        campaigns.put(key, after)
