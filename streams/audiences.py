"""The two stages of audiences: one task that decides on labels, and the members, who keep users by bucket.

A part of `streams/topology.py`, whose picture it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents import assign, audience, enlist
from schemas import records as r
from schemas import topics as t
from schemas.codec import encode, encode_json
from schemas.ids import bucket_key
from streams.engine.api import Input, Stage, ToCount, ToTimer
from streams.routes import nothing, timer, window_key
from streams.wiring import Reading, to
from tables.memberships import Enlisted, Memberships
from tables.offers import Offer
from tables.publications import DAY_MS, Campaign, GivenAnswer
from tables.shown import Shown
from tables.uploads import Spread, Upload

if TYPE_CHECKING:
    from connectors.audience_metrics import AudienceMetrics
    from streams.settings import Settings

CHUNKS_AT_ONCE = 100
"""Records of users in a batch: some 5 MiB, which a transaction and its outputs still take in their stride."""

TIMERS = (r.ProgressDue, r.UploadDue, r.StraysDue, r.WithdrawalDue, r.LabelDue)
AUDIENCE_INPUTS = {
    "audience": (t.AUDIENCE_COMMANDS, t.AUDIENCE_PROGRESS, t.AUDIENCE_USERS),
    "members": (t.LABELLED,),
}


def audiences(settings: Settings, reading: Reading, figures: AudienceMetrics) -> tuple[Stage, Stage]:
    """Both stages."""
    return labels(settings, reading, figures), members(settings, reading, figures)


def labels(settings: Settings, reading: Reading, figures: AudienceMetrics) -> Stage:
    """Decides on labels; its one task holds every key, label and campaign. Users go last: there are many."""
    read, timers = reading.records, _timers(reading)
    kept_ms = settings.audience.ended_labels_kept_days * DAY_MS
    return Stage(
        name="audience",
        inputs=(
            Input(t.AUDIENCE_COMMANDS, read(r.AudiencePublished, r.AudienceWithdrawn), lane=0),
            Input(t.AUDIENCE_PROGRESS, read(r.UsersCounted), lane=1),
            Input(t.AUDIENCE_USERS, read(r.UsersUploaded), lane=2),
        ),
        agent=lambda stream, tables: assign.assign(
            stream,
            audience.Memory(
                tables["answers"],
                tables["labels"],
                tables["campaigns"],
                tables["uploads"],
                tables["requests"],
                tables["strays"],
                tables["spread"],
            ),
            kept_ms,
        ),
        routes={
            r.AudienceAnswered: (to(t.AUDIENCE_ANSWERS, key=_upload, encoder=encode_json),),
            r.UsersLabelled: (to(t.LABELLED, key=_bucket),),
            r.LabelsEnded: (to(t.LABELLED, key=_bucket),),
            r.AudienceLabel: (to(t.AUDIENCE_LABELS, key=_label, encoder=encode_json),),
            r.RequestProgress: (
                to(t.AUDIENCE_LABELS, key=_request, encoder=encode_json),
                ToCount(figures.progressed),
            ),
            r.ProgressForgotten: (to(t.AUDIENCE_LABELS, key=_request, encoder=nothing),),
            r.LabelForgotten: (to(t.AUDIENCE_LABELS, key=_label, encoder=nothing),),
            r.AudienceUnpublished: (to(t.AUDIENCE_UNPUBLISHED, key=_name, encoder=encode_json),),
            r.CampaignWithdrawn: (to(t.CAMPAIGNS_WITHDRAWN, key=_campaign),),
            r.LabelChanged: (
                to(t.ROWS, key=lambda row: row.label.audience_label.encode()),
                ToCount(figures.changed),
            ),
            **dict.fromkeys(TIMERS, (timers,)),
        },
        tables=(
            reading.table("answers", 1, GivenAnswer),
            reading.table("labels", 2, r.AudienceLabel),
            reading.table("campaigns", 3, Campaign),
            reading.table("uploads", 4, Upload),
            reading.table("requests", 5, r.RequestProgress),
            reading.table("strays", 6, r.UsersUploaded),
            reading.table("spread", 7, Spread),
        ),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=CHUNKS_AT_ONCE,
    )


def members(settings: Settings, reading: Reading, figures: AudienceMetrics) -> Stage:
    """Keeps who has which label; rows, records and timers are of one bucket each."""
    return Stage(
        name="members",
        inputs=(
            Input(
                t.LABELLED,
                reading.records(r.UsersLabelled, r.LabelsEnded, r.CommunicationSeen, r.ViewerForgotten),
            ),
        ),
        agent=lambda stream, tables: enlist.enlist(
            stream, enlist.Memory(**{name: tables[name] for name in enlist.Memory.__struct_fields__})
        ),
        routes={
            r.UsersCounted: (to(t.AUDIENCE_PROGRESS, key=_upload), ToCount(figures.counted)),
            r.EntriesDue: (timer(reading, r.EntriesDue, _entries),),
            r.LabelPartial: (to(t.PARTIALS, key=window_key),),
        },
        tables=(
            reading.table("memberships", 1, Memberships),
            reading.table("enlisted", 2, Enlisted),
            reading.table("shown", 3, Shown),
            reading.table("offers", 4, Offer),
        ),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )


def _timers(reading: Reading) -> ToTimer:
    """All timers of labels: a stage has one route to timers, and their kind is part of their id."""
    return ToTimer(_timer_id, lambda due: due.due_at, encode, reading.records(*TIMERS))


def _timer_id(due: r.ProgressDue | r.UploadDue | r.StraysDue | r.WithdrawalDue | r.LabelDue) -> bytes:
    match due:
        case r.ProgressDue():
            return f"progress/{due.request_id}".encode()
        case r.UploadDue():
            return f"upload/{due.upload_id}".encode()
        case r.StraysDue():
            return f"strays/{due.upload_id}".encode()
        case r.LabelDue():
            return f"label/{due.audience_label}".encode()
        case _:
            return f"withdrawal/{due.command.upload_id}".encode()


def _entries(due: r.EntriesDue) -> str:
    return f"{due.bucket}/{due.ends_at}/{due.audience_label}"


def _upload(record: r.AudienceAnswered | r.UsersCounted) -> bytes:
    return record.upload_id.encode()


def _bucket(record: r.UsersLabelled | r.LabelsEnded) -> bytes:
    return bucket_key(record.bucket)


def _label(label: r.AudienceLabel | r.LabelForgotten) -> bytes:
    return f"{t.LABEL_KEY}{label.audience_label}".encode()


def _campaign(told: r.CampaignWithdrawn) -> bytes:
    return told.campaign_label.encode()


def _name(told: r.AudienceUnpublished) -> bytes:
    return told.audience_label.encode()


def _request(progress: Any) -> bytes:
    return f"{t.REQUEST_KEY}{progress.request_id}".encode()
