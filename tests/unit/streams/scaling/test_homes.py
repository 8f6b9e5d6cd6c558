"""Of every kind of row of every stage the Kafka key is known: that of the records it came from."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from connectors.audience_metrics import AudienceMetrics
from connectors.consumers import Consumers
from connectors.request_metrics import RequestMetrics
from connectors.seen_metrics import SeenMetrics
from schemas import records as r
from schemas import topics as t
from schemas.codec import SchemaBook, encode
from schemas.ids import bucket_key, bucket_of, subject_key
from streams.engine import inner
from streams.engine.tables import NoRows, Overlay
from streams.scaling import homes as homes_module
from streams.scaling.homes import HomelessError, homes
from streams.scaling.plan import ScaleError, writers_of
from streams.settings import Settings
from streams.stages import stateful_stages
from streams.topology import Outside, build
from streams.wiring import Reading
from tables.asking import key_of as asking_key
from tables.devices import owner_key
from tables.erased import walk_key
from tables.memberships import enlisted_prefix
from tables.offers import key_of as offer_key
from tables.pending import key_of as pending_key
from tables.progress import Progress
from tables.requests import key_of
from tables.shown import key_of as shown_key
from tables.totals import key_of as window_of
from tables.waits import Wait
from tests.messages import QUEUED, TASK
from tests.requests import REQUEST

USER, SENT_TO = subject_key(REQUEST.user_id), subject_key(TASK.user_id)
DUE_AT = 5_000
CALL = r.ProviderCall(task=TASK, provider="mail")
PLAN = r.FallbackPlanned(
    request=REQUEST, message_ids=["m"], channels=["push"], after_ms=1, planned_at=0, expires_at=9
)
PARTIAL = r.StatsPartial(
    period="hour",
    starts_at=0,
    channel_type="email",
    notification_type=None,
    category=None,
    provider_name=None,
    counts={"sent": 1},
)


def stages() -> dict[str, Any]:
    """The topology with an outside that nobody asks."""
    nothing: Any = None
    reading, ignored = Reading(SchemaBook(), nothing), lambda _topic: lambda _count: None
    figures: Any = SeenMetrics(CollectorRegistry(), lambda: 0)
    consumers = Consumers(lambda _tag: None, figures)
    counting = AudienceMetrics(CollectorRegistry())
    others = {"consumers": consumers, "figures": figures, "audience_figures": counting}
    others["request_figures"] = RequestMetrics(CollectorRegistry())
    outside = Outside(reading, SchemaBook(), ignored, *[nothing] * 7, **others)
    return {stage.name: stage for stage in build(Settings(), outside)}


def scalable() -> list[str]:
    found = []
    for stage in stateful_stages():
        try:
            writers_of(stage)
        except ScaleError:
            continue
        found.append(stage)
    return found


def row(value: Any) -> bytes:
    return b"\0" * 8 + encode(value)


def timer(stage: str, due: Any) -> tuple[bytes, bytes]:
    overlay = Overlay(NoRows(), 0)
    inner.set_timer(stages()[stage].timer, due, (("traceparent", b"x"),), overlay)
    ((key, value),) = overlay.writes.items()
    assert value is not None
    return key, value


def call(stage: str, asked: Any = CALL) -> tuple[bytes, bytes]:
    overlay = Overlay(NoRows(), 0)
    inner.record_effect(stages()[stage].effect, asked, (), overlay)
    ((key, value),) = overlay.writes.items()
    assert value is not None
    return key, value


def test_rows_of_every_kind_know_their_key() -> None:
    book = SchemaBook()
    recipient, status, stats = (homes(stage, book) for stage in ("recipient", "status", "stats"))
    email = homes("delivery-email", book)
    due = r.RequestDue(request=REQUEST, due_at=DUE_AT, waited_for="contact")
    silent = r.DevicesDue(user_id=REQUEST.user_id, due_at=DUE_AT)
    window = window_of(PARTIAL).encode()
    fallback = r.FallbackDue(user_id=REQUEST.user_id, wait_id="00", due_at=DUE_AT)
    sent = [SENT_TO, SENT_TO, window, window, SENT_TO]
    erasure = r.ErasureDue(
        user_id=REQUEST.user_id, asked_at=1, begun_at=0, due_at=DUE_AT, table="progress", after=b"m"
    )
    assert [*[USER] * 15, owner_key("0a"), *sent] == [
        recipient(b"\1" + key_of(REQUEST), b""),
        recipient(b"\2" + USER, b""),
        recipient(b"\3" + USER, b""),
        recipient(b"\4" + pending_key(REQUEST.user_id, "shop", REQUEST.request_id), b""),
        recipient(b"\5" + USER, b""),
        recipient(b"\6" + USER, b""),
        recipient(b"\10" + asking_key(REQUEST.user_id, REQUEST.lane), b""),
        recipient(*timer("recipient", due)),
        recipient(*timer("recipient", silent)),
        recipient(*call("recipient", r.ContactsAsked(request=REQUEST))),
        status(b"\2" + b"request", row(Wait.of(PLAN))),
        status(*timer("status", fallback)),
        status(*timer("status", erasure)),
        status(b"\x09" + USER, b""),
        status(b"\x09" + walk_key(REQUEST.user_id, 1), b""),
        recipient(b"\7" + owner_key("0a"), b""),
        email(*timer("delivery-email", r.RetryDue(task=TASK, due_at=DUE_AT))),
        email(*call("delivery-email")),
        stats(b"\1" + window, b""),
        stats(*timer("stats", r.StatsDue(key=window.decode(), due_at=DUE_AT))),
        status(b"\1" + b"message", row(Progress(queued=QUEUED, is_complete=True))),
    ]


def test_statistics_of_a_label_are_where_its_counts_come_to() -> None:
    """Row, timer and partial: the key of all three is that of the published record."""
    label = r.LabelPartial(
        period="minute",
        starts_at=0,
        audience_label="c:x",
        campaign_label="c",
        communication_id="x",
        counts={"seen": 1},
    )
    window, home = window_of(label).encode(), homes("stats", SchemaBook())
    due = r.StatsDue(key=window.decode(), due_at=DUE_AT, is_of_label=True)
    (sent,) = stages()["members"].routes[r.LabelPartial]
    assert [window] * 3 == [home(b"\1" + window, b""), home(*timer("stats", due)), sent.key(label)]


def test_rows_of_members_know_their_bucket() -> None:
    user, home = "yandex_uid:4001", homes("members", SchemaBook())
    bucket = bucket_of(user)
    due = r.EntriesDue(bucket=bucket, ends_at=DUE_AT, due_at=DUE_AT)
    assert [bucket_key(bucket)] * 5 == [
        home(b"\1" + user.encode(), b""),
        home(b"\2" + enlisted_prefix(bucket, DUE_AT, "c:x") + user.encode(), b""),
        home(b"\3" + shown_key(user, "spring-sale"), b""),
        home(b"\4" + offer_key(bucket, "promotion.7"), b""),
        home(*timer("members", due)),
    ]


@pytest.mark.parametrize("stage", scalable())
def test_no_kind_of_row_of_a_stage_is_unknown(stage: str) -> None:
    """A table that is added must be added in `homes`, too."""
    found = stages()[stage]
    kinds = {bytes([table.number]) for table in found.tables}
    kinds |= {inner.TIMER} if found.timer else set()
    kinds |= {inner.EFFECT} if found.effect else set()
    assert kinds == homes_module._homes(SchemaBook())[stage].keys()


def test_an_unknown_row_is_told() -> None:
    with pytest.raises(HomelessError, match="no row is known"):
        homes("status", SchemaBook())(b"\x63key", b"")


def test_delivery_of_every_channel_is_scalable() -> None:
    delivery = {f"delivery-{one}" for one in t.PROVIDED_CHANNELS}
    assert {"recipient", "spending", "status", "stats", "members", *delivery} == set(scalable())
