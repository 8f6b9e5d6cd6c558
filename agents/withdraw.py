"""Withdraw a label, or all labels of a campaign, in steps of `LABELS_AT_ONCE` (CRM-OP-02, CRM-OP-12).

consumes  audience.commands (AudienceWithdrawn), timers (WithdrawalDue)
keeps     labels, campaigns, spread, answers
emits     AudienceAnswered, with the last step; of each label LabelChanged (rows) and AudienceUnpublished
          (audience.unpublished); LabelsEnded (facts.labels), to buckets that have users of the labels;
          WithdrawalDue, LabelDue (timers); CampaignWithdrawn (campaigns.withdrawn), of a whole campaign, for
          our own delivery

The campaign takes no labels from the first step on. A repeat while the steps go on is a walk of its own,
which finds less and less to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.forget import forget_later
from agents.reply import accepted, refused
from schemas.audience_words import AudienceOutcome
from schemas.records import (
    AudienceUnpublished,
    CampaignWithdrawn,
    EndedLabel,
    LabelChanged,
    LabelsEnded,
    WithdrawalDue,
)
from schemas.times import rfc3339
from tables import labels as of_label
from tables.publications import Campaign
from tables.uploads import buckets_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agents.audience import Draft, Outcome
    from schemas.records import AudienceLabel, AudienceWithdrawn

UNPUBLISHED = "unpublished"
LABELS_AT_ONCE = 20
"""Labels in a step: a label may be half a MiB, and all 1 024 buckets may have users of each."""


def withdraw(command: AudienceWithdrawn, draft: Draft) -> Iterator[Outcome]:
    """The first step, or a refusal: nothing was published under the name."""
    if not _names(command, draft):
        text = f"nothing was published under {command.audience_label or command.campaign_label}"
        yield refused(command, AudienceOutcome.UNKNOWN_LABEL, text)
        return
    if command.audience_label is None:
        key = command.campaign_label.encode()
        campaign = draft.memory.campaigns.get(key) or Campaign()
        draft.memory.campaigns.put(key, replace(campaign, is_withdrawn=True))
        yield CampaignWithdrawn(campaign_label=command.campaign_label, withdrawn_at=draft.now)
    yield from go_on(WithdrawalDue(command=command, done=0, due_at=draft.now), draft)


def go_on(due: WithdrawalDue, draft: Draft) -> Iterator[Outcome]:
    """One step; the last one answers, so that what was answered is withdrawn."""
    names = _names(due.command, draft)
    done = due.done + LABELS_AT_ONCE
    known = [draft.published(name) for name in names[due.done : done]]
    standing = [label for label in known if label.withdrawn_at is None]
    ended = [of_label.withdrawn(label, draft.now) for label in standing]
    yield from _garbage(standing, draft)
    draft.keep(ended)
    for label in ended:
        yield LabelChanged(label=label)
        yield _told(label, due.command.request_id, draft.now)
        yield forget_later(label, draft)
    if done < len(names):
        yield replace(due, done=done, due_at=draft.now)
    else:
        labels = [draft.published(name) for name in names]
        yield accepted(due.command, b"unpublish", labels, draft.now, draft.memory.answers)


def _told(label: AudienceLabel, request_id: str, now: int) -> AudienceUnpublished:
    """What dispatchers of channels are told, so that they drop what waits (CRM-OP-03)."""
    return AudienceUnpublished(
        event_type=UNPUBLISHED,
        audience_label=label.audience_label,
        campaign_label=label.campaign_label,
        communication_id=label.communication_id,
        request_id=request_id,
        timestamp=rfc3339(now),
    )


def _names(command: AudienceWithdrawn, draft: Draft) -> list[str]:
    if command.audience_label is not None:
        return [command.audience_label] if draft.label(command.audience_label) else []
    campaign = draft.memory.campaigns.get(command.campaign_label.encode())
    return [] if campaign is None else campaign.labels


def _garbage(labels: Iterable[AudienceLabel], draft: Draft) -> Iterator[LabelsEnded]:
    """What the buckets are told that have entries of the labels."""
    found: dict[int, list[EndedLabel]] = {}
    for label in labels:
        ended = EndedLabel(audience_label=label.audience_label, ends_at=label.ends_at)
        for bucket in buckets_in(draft.spread(label.audience_label)):
            found.setdefault(bucket, []).append(ended)
    for bucket, ended_here in found.items():
        yield LabelsEnded(bucket=bucket, labels=ended_here)
