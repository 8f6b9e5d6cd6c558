"""A publish body through the real stages, engine tables and bytes of topics included, without a broker."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from agents.withdraw import LABELS_AT_ONCE
from connectors.http.audience.bodies import UnpublishBody
from connectors.http.audience.commands import Asking, Upload, digest_of, publication, withdrawal
from connectors.http.audience.reading import Reader
from connectors.http.audience.rules import Labelled
from schemas import topics as t
from schemas.ids import BUCKETS
from schemas.records import AudienceLabel, LabelAsked
from schemas.times import rfc3339
from streams.engine import inner
from tests.label_counts import counted
from tests.pipeline.audience_line import Line, sent, stages
from tests.unit.connectors.http.audience.publishing import published, read, whole
from tests.unit.streams.engine.desks import NOW

UNPUBLISH = Reader(UnpublishBody)
FUTURE = {"start_date": "1970-01-01T00:00:00Z", "end_date": "2999-01-01T00:00:00Z"}


def asked(upload_id: str, **changes: Any) -> Upload:
    body = read(whole(**changes))
    asking = Asking(upload_id, body.id, body.id, digest_of("publish", body), NOW)
    return publication(asking, body.campaign_label, published(whole(**changes)))


def request(count: int) -> dict[str, Any]:
    users = [{"id_type": "phone_id", "id": str(n)} for n in range(count)]
    items = [{"users": users, "communication_id": "comm-personal", **FUTURE}]
    return {"personal_communications": items, "communication": FUTURE, "filters": ...}


@pytest.mark.spec("AUD-OP-07 AUD-091 AUD-094")
async def test_a_request_labels_its_users_answers_and_tells_its_progress() -> None:
    line = Line()
    answer = await line.publish(asked("u1", **request(300)))
    name = "campaign12345:comm-personal"
    assert ("accepted", [name]) == (answer.outcome, [label.audience_label for label in answer.labels])
    assert {f"phone_id:{n}" for n in range(300)} == set(line.users())
    label = line.book.labels[name]
    assert (300, 300, [], 1) == (label.total, label.processed, label.unfinished, label.requests)
    assert [(300, 300)] == [(one.total, one.processed) for one in line.book.requests["req-0001"].counts]
    assert [(t.ROWS, name.encode())] == [(row.topic, row.key) for row in line.rows]
    assert 300 == line.registry.get_sample_value("carillon_audience_users_total", {"result": "labelled"})
    assert 1 == line.registry.get_sample_value("carillon_audience_lag_seconds_count")
    assert {"labelled": 300} == counted(line.partials, name)


async def test_a_repeat_is_answered_and_changes_no_row() -> None:
    line = Line()
    await line.publish(asked("u1", **request(20)))
    before = dict(line.stages["members"].rows)
    answer = await line.publish(asked("u2", **request(20)))
    assert (True, before) == (answer.is_replay, line.stages["members"].rows)


@pytest.mark.spec("CRM-052")
async def test_a_withdrawal_takes_every_entry_and_index_row_and_tells_it() -> None:
    line = Line()
    await line.publish(asked("u1", **request(300)))
    body = UNPUBLISH(b'{"id": "w", "campaign_label": "campaign12345"}')
    asking = Asking("w1", "w", "w", digest_of("unpublish", body), NOW)
    assert "accepted" == (await line.publish(withdrawal(asking, body))).outcome
    left = [key for key in line.stages["members"].rows if not key.startswith(inner.TIMER)]
    assert [] == left
    label: AudienceLabel = line.book.labels["campaign12345:comm-personal"]
    assert (NOW, NOW, 2) == (label.withdrawn_at, label.ends_at, len(line.rows))
    assert {"labelled": 300, "withdrawn": 300} == counted(line.partials, label.audience_label)
    assert [
        {
            "event_type": "unpublished",
            "audience_label": "campaign12345:comm-personal",
            "campaign_label": "campaign12345",
            "communication_id": "comm-personal",
            "request_id": "w",
            "timestamp": rfc3339(NOW),
        }
    ] == line.unpublished
    assert ["campaign12345"] == line.stopped


async def test_users_that_are_read_before_their_command_are_labelled_too() -> None:
    """Their topic is another one: through the engine's tables and timers."""
    line = Line()
    command, *chunks = sent(asked("u1", **request(300)))
    answer = await line.read([*chunks, command])
    label = line.book.labels["campaign12345:comm-personal"]
    assert ("accepted", 300, 300, []) == (answer.outcome, label.total, label.processed, label.unfinished)
    assert {f"phone_id:{n}" for n in range(300)} == set(line.users())


def many(labels: int, users: int) -> Upload:
    """A request of so many labels, each for so many users of its own."""
    found = [
        LabelAsked(
            audience_label=f"c:{n}", communication_id=str(n), starts_at=0, ends_at=2 * NOW, users=users
        )
        for n in range(labels)
    ]
    people = {
        one.audience_label: [f"phone_id:{one.communication_id}-{m}" for m in range(users)] for one in found
    }
    return publication(Asking("u1", "r", "k", b"d", NOW), "c", Labelled(found, people))


@pytest.mark.spec("CRM-053")
async def test_a_request_of_many_labels_is_a_record_per_bucket_and_few_counts() -> None:
    """By bucket and label they were some 9 500 records, and a count of each label from each batch."""
    line, upload = Line(), many(100, 100)
    await line.publish(upload)
    told = {(one.total, one.processed, len(one.unfinished)) for one in line.book.labels.values()}
    assert ({(100, 100, 0)}, 10_000) == (told, len(line.users()))
    assert line.carried[t.LABELLED] <= BUCKETS + len(upload.records)
    assert line.carried[t.AUDIENCE_PROGRESS] < 50


async def test_a_withdrawn_campaign_of_many_labels_leaves_nothing() -> None:
    line = Line()
    await line.publish(many(3 * LABELS_AT_ONCE, 10))
    body = UNPUBLISH(b'{"id": "w", "campaign_label": "c"}')
    answer = await line.publish(withdrawal(Asking("w1", "w", "w", digest_of("unpublish", body), NOW), body))
    ended = {one.withdrawn_at for one in line.book.labels.values()}
    assert (3 * LABELS_AT_ONCE, {NOW}, {}) == (len(answer.labels), ended, line.users())


def test_no_request_waits_behind_the_users_of_others() -> None:
    """Mutation tried: one lane for all inputs: fails."""
    by_lane = sorted(stages(CollectorRegistry())[0].inputs, key=lambda one: one.lane)
    assert [t.AUDIENCE_COMMANDS, t.AUDIENCE_PROGRESS, t.AUDIENCE_USERS] == [one.topic for one in by_lane]
    assert 3 == len({one.lane for one in by_lane})
