"""Topics of audiences, a part of the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.topics import Form, Partitions, Topic, Use

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL_STATS_KEPT_MS = 400 * t.DAY_MS
"""There are ever new labels, unlike types and channels: hours and days of a year, and a month to compare."""


def audience_topics() -> Iterator[Topic]:
    """Commands and counts go to the one task that decides on labels, users to the members by bucket."""
    commands = (r.AudiencePublished, r.AudienceWithdrawn)
    about = "Requests about audiences; no request waits behind the users of others."
    decided = t.internal(t.AUDIENCE_COMMANDS, commands, about, ("http", "audience"))
    yield replace(decided, key="campaign label", partitions=Partitions.ONE)
    about = "Users of publish requests, each in one transaction with its request (AUD-OP-21)."
    users = t.internal(t.AUDIENCE_USERS, (r.UsersUploaded,), about, ("http", "audience"))
    yield replace(users, key="campaign label", partitions=Partitions.ONE)
    about = "How many users of a request have their labels."
    counted = t.internal(t.AUDIENCE_PROGRESS, (r.UsersCounted,), about, ("members", "audience"))
    yield replace(counted, key="upload id", partitions=Partitions.ONE)
    about = "Users and the labels they get, labels that are taken away (AUD-123), what users saw (GEN-OP-08)."
    told = (r.UsersLabelled, r.LabelsEnded, r.CommunicationSeen, r.ViewerForgotten)
    users = t.internal(t.LABELLED, told, about, ("recipient audience seen", "members"))
    yield replace(users, key="`bucket:<n>`, a share of all users")
    yield Topic(
        name=t.AUDIENCE_ANSWERS,
        use=Use.REFERENCE,
        key="upload id",
        records=(r.AudienceAnswered,),
        about="Answers to requests about audiences, read by every HTTP process from its start on.",
        writers=("audience",),
        readers=("http",),
        form=Form.JSON,
        partitions=Partitions.ONE,
        retention_ms=t.HOUR_MS,
        extra=t.OURS,
    )
    yield Topic(
        name=t.AUDIENCE_LABELS,
        use=Use.REFERENCE,
        key="`label:<audience label>` or `request:<request id>`",
        records=(r.AudienceLabel, r.RequestProgress),
        about="Labels with their dates and progress, until some time after their end, and the progress of"
        " recent requests (CRM-OP-04).",
        writers=("audience",),
        readers=("http",),
        form=Form.JSON,
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=t.COMPACTED,
    )
    yield Topic(
        name=t.AUDIENCE_UNPUBLISHED,
        use=Use.PUBLIC_OUT,
        key="audience label",
        records=(r.AudienceUnpublished,),
        about="Each label that was withdrawn: who has something of it to send drops it (CRM-OP-03).",
        writers=("audience",),
        readers=("dispatchers of channels",),
        form=Form.JSON,
    )
    yield Topic(
        name=t.CAMPAIGNS_WITHDRAWN,
        use=Use.REFERENCE,
        key="campaign label",
        records=(r.CampaignWithdrawn,),
        about="Campaigns that were withdrawn as a whole: of them no message is sent any more.",
        writers=("audience",),
        readers=("every worker",),
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=t.COMPACTED,
    )
    yield Topic(
        name=t.AUDIENCE_STATS,
        use=Use.PUBLIC_OUT,
        key="period, timestamp and audience label",
        records=(r.LabelStats,),
        about="Users of each label that were labelled, saw it, lost it; the last value of a key wins.",
        writers=("stats",),
        readers=("analysts",),
        form=Form.JSON,
        retention_ms=LABEL_STATS_KEPT_MS,
        extra={**t.COMPACTED, "cleanup.policy": "compact,delete"},
    )
