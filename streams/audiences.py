"""The two stages of audiences: one task that decides on labels, and the members, who keep users by bucket.

A part of `streams/topology.py`, whose picture it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents import assign, enlist
from schemas import records as r
from schemas import topics as t
from schemas.codec import encode_json
from schemas.ids import bucket_key
from streams.engine.api import Input, Stage
from streams.routes import nothing, timer
from streams.wiring import Reading, to
from tables.memberships import Enlisted, Memberships
from tables.publications import Campaign, GivenAnswer, Upload
from tables.shown import Shown

if TYPE_CHECKING:
    from streams.settings import Settings

CHUNKS_AT_ONCE = 100
"""Records of users in a batch: some 5 MiB, which a transaction and its outputs still take in their stride."""


AUDIENCE_INPUTS = {"audience": (t.AUDIENCE_COMMANDS, t.AUDIENCE_PROGRESS), "members": (t.LABELLED,)}


def audiences(settings: Settings, reading: Reading) -> tuple[Stage, Stage]:
    """Both stages."""
    return audience(settings, reading), members(settings, reading)


def audience(settings: Settings, reading: Reading) -> Stage:
    """Decides on labels; its one task holds every key, label and campaign."""
    read = reading.records
    return Stage(
        name="audience",
        inputs=(
            Input(t.AUDIENCE_COMMANDS, read(r.AudiencePublished, r.UsersUploaded, r.AudienceWithdrawn)),
            Input(t.AUDIENCE_PROGRESS, read(r.UsersCounted)),
        ),
        agent=lambda stream, tables: assign.assign(
            stream,
            assign.Memory(
                tables["answers"],
                tables["labels"],
                tables["campaigns"],
                tables["uploads"],
                tables["requests"],
            ),
        ),
        routes={
            r.AudienceAnswered: (to(t.AUDIENCE_ANSWERS, key=_upload, encoder=encode_json),),
            r.UsersLabelled: (to(t.LABELLED, key=_bucket),),
            r.LabelsEnded: (to(t.LABELLED, key=_bucket),),
            r.AudienceLabel: (to(t.AUDIENCE_LABELS, key=_label, encoder=encode_json),),
            r.RequestProgress: (to(t.AUDIENCE_LABELS, key=_request, encoder=encode_json),),
            r.ProgressForgotten: (to(t.AUDIENCE_LABELS, key=_request, encoder=nothing),),
            r.LabelChanged: (to(t.ROWS, key=lambda row: row.label.audience_label.encode()),),
            r.ProgressDue: (timer(reading, r.ProgressDue, lambda due: due.request_id),),
        },
        tables=(
            reading.table("answers", 1, GivenAnswer),
            reading.table("labels", 2, r.AudienceLabel),
            reading.table("campaigns", 3, Campaign),
            reading.table("uploads", 4, Upload),
            reading.table("requests", 5, r.RequestProgress),
        ),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=CHUNKS_AT_ONCE,
    )


def members(settings: Settings, reading: Reading) -> Stage:
    """Keeps who has which label; rows, records and timers are of one bucket each."""
    return Stage(
        name="members",
        inputs=(Input(t.LABELLED, reading.records(r.UsersLabelled, r.LabelsEnded, r.CommunicationSeen)),),
        agent=lambda stream, tables: enlist.enlist(
            stream, enlist.Memory(tables["memberships"], tables["enlisted"], tables["shown"])
        ),
        routes={
            r.UsersCounted: (to(t.AUDIENCE_PROGRESS, key=lambda count: count.audience_label.encode()),),
            r.LabelDue: (timer(reading, r.LabelDue, lambda due: f"{due.bucket}/{due.audience_label}"),),
        },
        tables=(
            reading.table("memberships", 1, Memberships),
            reading.table("enlisted", 2, Enlisted),
            reading.table("shown", 3, Shown),
        ),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )


def _upload(answer: r.AudienceAnswered) -> bytes:
    return answer.upload_id.encode()


def _bucket(record: r.UsersLabelled | r.LabelsEnded) -> bytes:
    return bucket_key(record.bucket)


def _label(label: r.AudienceLabel) -> bytes:
    return f"{t.LABEL_KEY}{label.audience_label}".encode()


def _request(progress: Any) -> bytes:
    return f"{t.REQUEST_KEY}{progress.request_id}".encode()
