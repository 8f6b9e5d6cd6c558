"""The audience stage: the one place that decides on labels.

consumes  audience.commands (AudiencePublished, then UsersUploaded; AudienceWithdrawn),
          audience.progress (UsersCounted), timers (ProgressDue)
keeps     answers, labels, campaigns, uploads, requests
emits     AudienceAnswered (audience.answers); UsersLabelled, LabelsEnded (facts.labels); AudienceLabel,
          RequestProgress, ProgressForgotten (audience.labels), once per batch; LabelChanged (rows);
          ProgressDue (timer)

A command and its users come in one transaction and in order; users of a request that was refused, or answered
before, are passed over. One task has it all, so that a key is the same key whatever campaign it comes with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec

from agents.reply import accepted, refused, repeated
from schemas.ids import BUCKETS
from schemas.records import (
    AudienceAnswered,
    AudienceLabel,
    AudiencePublished,
    AudienceWithdrawn,
    LabelChanged,
    LabelsEnded,
    ProgressDue,
    ProgressForgotten,
    RequestProgress,
    UsersCounted,
    UsersLabelled,
    UsersUploaded,
)
from schemas.words import AudienceOutcome
from tables import labels as of_label
from tables import publications as of_request
from tables.publications import PROGRESS_KEPT_MS, REMEMBERED_MS, Campaign, Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from agents.ports import Stream, Table
    from tables.publications import GivenAnswer

Command = AudiencePublished | AudienceWithdrawn
Input = Command | UsersUploaded | UsersCounted | ProgressDue
Outcome = (
    AudienceAnswered
    | UsersLabelled
    | LabelsEnded
    | AudienceLabel
    | LabelChanged
    | RequestProgress
    | ProgressForgotten
    | ProgressDue
)


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    answers: Table[bytes, GivenAnswer]
    labels: Table[bytes, AudienceLabel]
    campaigns: Table[bytes, Campaign]
    uploads: Table[bytes, Upload]
    requests: Table[bytes, RequestProgress]


class Changed(msgspec.Struct):
    """What a batch changed, told once at its end."""

    labels: dict[str, AudienceLabel] = {}
    requests: dict[str, RequestProgress] = {}


async def assign(stream: Stream, memory: Memory) -> AsyncIterator[Outcome]:
    """One batch of the stage's one task."""
    changed = Changed()
    async for event in stream:
        for outcome in decide(event.value, stream.now, memory, changed):
            yield outcome
    for label in changed.labels.values():
        yield label
    for progress in changed.requests.values():
        yield progress


def decide(value: Input, now: int, memory: Memory, changed: Changed) -> Iterable[Outcome]:
    """What follows from one input at `now` (ms)."""
    match value:
        case AudiencePublished():
            return repeated(value, b"publish", memory.answers) or _publish(value, now, memory, changed)
        case AudienceWithdrawn():
            return repeated(value, b"unpublish", memory.answers) or _withdraw(value, now, memory, changed)
        case UsersUploaded():
            return list(_pass_on(value, now, memory, changed))
        case UsersCounted():
            return _count(value, now, memory, changed)
        case ProgressDue():
            return _forget(value, now, memory)
        case _:
            assert_never(value)


def _publish(command: AudiencePublished, now: int, memory: Memory, changed: Changed) -> list[Outcome]:
    campaign = memory.campaigns.get(command.campaign_label.encode()) or Campaign()
    known = {asked.audience_label: _label(asked.audience_label, memory) for asked in command.labels}
    if campaign.is_withdrawn:
        why = f"campaign {command.campaign_label} was withdrawn"
        return [refused(command, AudienceOutcome.CONFLICT, why)]
    found = [of_label.conflict(known[asked.audience_label], asked) for asked in command.labels]
    if conflicts := [text for text in found if text is not None]:
        return [refused(command, AudienceOutcome.CONFLICT, "; ".join(conflicts))]
    labels = [
        of_label.published(known[asked.audience_label], asked, command.campaign_label, now)
        for asked in command.labels
    ]
    numbers = {label.audience_label: label.requests for label in labels}
    upload = Upload(request_id=command.request_id, numbers=numbers)
    memory.uploads.put(command.upload_id.encode(), upload, expires_at=now + REMEMBERED_MS)
    memory.campaigns.put(command.campaign_label.encode(), campaign.add(list(numbers)))
    before = memory.requests.get(command.request_id.encode())
    progress = of_request.asked_for(before, command.request_id, command.labels, now)
    _keep_progress(progress, now, memory, changed)
    _keep(labels, memory, changed)
    due = ProgressDue(request_id=command.request_id, due_at=now + PROGRESS_KEPT_MS)
    rows = [LabelChanged(label=label) for label in labels if known[label.audience_label] is None]
    return [accepted(command, b"publish", labels, now, memory.answers), *rows, due]


def _withdraw(command: AudienceWithdrawn, now: int, memory: Memory, changed: Changed) -> list[Outcome]:
    key = command.campaign_label.encode()
    campaign = memory.campaigns.get(key) or Campaign()
    names = campaign.labels if command.audience_label is None else [command.audience_label]
    known = [label for name in names if (label := _label(name, memory)) is not None]
    if not known:
        text = f"nothing was published under {command.audience_label or command.campaign_label}"
        return [refused(command, AudienceOutcome.UNKNOWN_LABEL, text)]
    if command.audience_label is None:
        memory.campaigns.put(key, msgspec.structs.replace(campaign, is_withdrawn=True))
    ended = [of_label.withdrawn(label, now) for label in known if label.withdrawn_at is None]
    _keep(ended, memory, changed)
    garbage = [label.audience_label for label in ended if label.total]
    removals = (
        LabelsEnded(bucket=bucket, labels=garbage, at=now) for bucket in range(BUCKETS if garbage else 0)
    )
    rows = [LabelChanged(label=label) for label in ended]
    return [accepted(command, b"unpublish", known, now, memory.answers), *rows, *removals]


def _pass_on(chunk: UsersUploaded, now: int, memory: Memory, changed: Changed) -> Iterator[Outcome]:
    """Users on their way to their buckets; those of a label withdrawn meanwhile have failed."""
    upload = memory.uploads.get(chunk.upload_id.encode())
    label = _label(chunk.audience_label, memory)
    if upload is None or label is None:
        return
    number = upload.numbers[chunk.audience_label]
    if label.withdrawn_at is not None:
        failed = sum(len(group.users) for group in chunk.groups)
        count = UsersCounted(
            audience_label=chunk.audience_label,
            number=number,
            request_id=upload.request_id,
            processed=0,
            failed=failed,
        )
        _count(count, now, memory, changed)
        return
    for group in chunk.groups:
        yield UsersLabelled(
            audience_label=chunk.audience_label,
            bucket=group.bucket,
            number=number,
            request_id=upload.request_id,
            ends_at=label.ends_at,
            users=group.users,
        )


def _count(count: UsersCounted, now: int, memory: Memory, changed: Changed) -> list[Outcome]:
    label = _label(count.audience_label, memory)
    if label is not None:
        _keep([of_label.counted(label, count, now)], memory, changed)
    progress = memory.requests.get(count.request_id.encode())
    if progress is not None:
        _keep_progress(of_request.counted(progress, count, now), now, memory, changed)
    return []


def _forget(due: ProgressDue, now: int, memory: Memory) -> list[Outcome]:
    """The progress of a request ends so long after its last change."""
    progress = memory.requests.get(due.request_id.encode())
    if progress is not None and progress.updated_at + PROGRESS_KEPT_MS > now:
        return [ProgressDue(request_id=due.request_id, due_at=progress.updated_at + PROGRESS_KEPT_MS)]
    memory.requests.delete(due.request_id.encode())
    return [ProgressForgotten(request_id=due.request_id)]


def _keep(labels: Iterable[AudienceLabel], memory: Memory, changed: Changed) -> None:
    for label in labels:
        memory.labels.put(label.audience_label.encode(), label)
        changed.labels[label.audience_label] = label


def _keep_progress(progress: RequestProgress, now: int, memory: Memory, changed: Changed) -> None:
    kept_until = now + 2 * PROGRESS_KEPT_MS  # the timer ends it; this only if the timer is lost
    memory.requests.put(progress.request_id.encode(), progress, expires_at=kept_until)
    changed.requests[progress.request_id] = progress


def _label(name: str, memory: Memory) -> AudienceLabel | None:
    return memory.labels.get(name.encode())
