"""What the audience stage is told: chunks of bounded size by bucket, repeats by key and digest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.http.audience.bodies import UnpublishBody
from connectors.http.audience.commands import (
    CHUNK_CHARACTERS,
    LARGEST_LABEL,
    Asking,
    digest_of,
    publication,
    topic_of,
    withdrawal,
)
from connectors.http.audience.reading import Reader
from connectors.http.audience.rules import Labelled
from connectors.http.problems import Code, ProblemError
from schemas import topics as t
from schemas.ids import BUCKETS, bucket_of
from schemas.records import AudiencePublished, AudienceWithdrawn, LabelAsked, UsersUploaded
from schemas.topics import RECORD_BYTES
from tests.unit.connectors.http.audience.publishing import PERSONAL, published, read, whole
from tests.unit.connectors.http.audience.stage import written

ASKING = Asking("up-1", "req-1", "key-1", b"digest", 7)
UNPUBLISH = Reader(UnpublishBody)


def many(count: int, length: int = 8) -> dict[str, Any]:
    users = [{"id_type": "yandex_uid", "id": f"{n:0{length}d}"} for n in range(count)]
    items = [{**PERSONAL, "users": users[at : at + 1000]} for at in range(0, count, 1000)]
    return whole(personal_communications=items, filters=...)


@pytest.mark.spec("AUD-125")
def test_every_user_is_in_one_chunk_in_the_group_of_his_bucket() -> None:
    found = published(many(5_000))
    command, *chunks = written(publication(ASKING, "campaign12345", found))
    assert (
        AudiencePublished(
            upload_id="up-1",
            request_id="req-1",
            idempotency_key="key-1",
            digest=b"digest",
            received_at=7,
            campaign_label="campaign12345",
            labels=found.labels,
        )
        == command
    )
    groups = [group for chunk in chunks if isinstance(chunk, UsersUploaded) for group in chunk.groups]
    placed = [
        (group.bucket, one.label, user) for group in groups for one in group.labels for user in one.users
    ]
    assert sorted(found.users["campaign12345:comm-personal"]) == sorted(user for *_, user in placed)
    assert {0} == {label for _, label, _ in placed}
    assert all(bucket_of(user) == bucket for bucket, _, user in placed)
    assert [("up-1", place) for place in range(len(chunks))] == [
        (chunk.upload_id, chunk.place) for chunk in chunks if isinstance(chunk, UsersUploaded)
    ]


def test_a_full_request_is_a_group_per_bucket_whatever_its_labels() -> None:
    """Each group becomes a record; with chunks by label they were 63 769."""
    labels = [
        LabelAsked(audience_label=f"c:{n}", communication_id=str(n), starts_at=0, ends_at=1)
        for n in range(100)
    ]
    users = {
        one.audience_label: [f"yandex_uid:{n}-{one.communication_id}" for n in range(1000)] for one in labels
    }
    _, *chunks = written(publication(ASKING, "c", Labelled(labels, users)))
    groups = [group for chunk in chunks if isinstance(chunk, UsersUploaded) for group in chunk.groups]
    assert len(groups) < BUCKETS + len(chunks)
    told = {
        (labels[one.label].audience_label, user) for g in groups for one in g.labels for user in one.users
    }
    assert {(name, user) for name, some in users.items() for user in some} == told


def test_users_have_a_topic_of_their_own() -> None:
    records = written(publication(ASKING, "c", published(many(20_000))))
    told = [(topic_of(place), type(record)) for place, record in enumerate(records)]
    users = [(t.AUDIENCE_USERS, UsersUploaded)] * (len(records) - 1)
    assert len(users) > 1
    assert [(t.AUDIENCE_COMMANDS, AudiencePublished), *users] == told


@pytest.mark.spec("AUD-OP-21")
@pytest.mark.parametrize("length", [8, 256])
def test_no_chunk_is_too_large_for_kafka(length: int) -> None:
    _, *chunks = publication(ASKING, "c", published(many(3_000, length))).records
    assert len(chunks) > 1
    assert max(map(len, chunks)) < 2 * CHUNK_CHARACTERS


def test_what_would_not_fit_into_a_record_is_refused_before_it_is_written() -> None:
    """Mutation tried: no look at the size: fails."""
    long = {"filter_id": "city", "value_type": "string", "values": [f"{n:01000}" for n in range(600)]}
    found = published(whole(filters={"filters": [long]}))
    with pytest.raises(ProblemError) as caught:
        publication(ASKING, "c", found)
    assert Code.TOO_LARGE == caught.value.code


def test_the_size_of_a_label_is_that_of_the_json_that_is_sent() -> None:
    """U+0001 is one byte in Avro and six in JSON: 50 of these filters are 51 KiB there and 300 KiB here.

    Mutation tried: a look at the Avro alone: fails.
    """
    values = [f"{n:04}" + "\x01" * 1_000 for n in range(50)]
    found = published(
        whole(filters={"filters": [{"filter_id": "city", "value_type": "string", "values": values}]})
    )
    with pytest.raises(ProblemError) as caught:
        publication(ASKING, "c", found)
    assert Code.TOO_LARGE == caught.value.code


def test_the_largest_label_that_is_taken_fits_into_a_record_with_its_counts() -> None:
    assert LARGEST_LABEL < RECORD_BYTES // 2


def test_buckets_never_change() -> None:
    """Rows lie where their bucket's key sends them: another function would lose them."""
    assert (1024, [853, 95, 405]) == (
        BUCKETS,
        [bucket_of(user) for user in ("yandex_uid:4001", "phone_id:5b2c", "device_id:é")],
    )


def test_the_same_body_has_the_same_digest_however_it_is_written() -> None:
    body = whole()
    turned = json.loads(json.dumps(dict(reversed(body.items()))))
    assert digest_of("publish", read(body)) == digest_of("publish", read(turned))


def test_another_body_or_operation_has_another_digest() -> None:
    two = [PERSONAL, PERSONAL]
    bodies = [
        whole(),
        whole(personal_communications=two),
        whole(personal_communications=...),
        whole(personal_communications=[]),
        whole(id="req-2"),
        whole(is_test_publication=True),
        whole(filters=...),
    ]
    digests = {digest_of("publish", read(body)) for body in bodies} | {digest_of("unpublish", read(whole()))}
    assert 8 == len(digests)


@pytest.mark.spec("CRM-011")
@pytest.mark.parametrize(
    ("named", "campaign", "label"),
    [
        ({"campaign_label": "c1"}, "c1", None),
        ({"audience_label": "c1"}, "c1", "c1"),
        ({"audience_label": "c1:comm"}, "c1", "c1:comm"),
    ],
)
def test_a_campaign_or_one_label_is_withdrawn(
    named: dict[str, str], campaign: str, label: str | None
) -> None:
    body = UNPUBLISH(json.dumps({"id": "req-1", **named}).encode())
    (command,) = written(withdrawal(ASKING, body))
    assert isinstance(command, AudienceWithdrawn)
    assert (campaign, label) == (command.campaign_label, command.audience_label)


@pytest.mark.spec("CRM-OP-02")
@pytest.mark.parametrize("named", [{}, {"campaign_label": "c1", "audience_label": "c1:comm"}])
def test_exactly_one_label_field_is_given(named: dict[str, str]) -> None:
    with pytest.raises(ProblemError) as caught:
        withdrawal(ASKING, UNPUBLISH(json.dumps({"id": "req-1", **named}).encode()))
    assert Code.INVALID_FIELD == caught.value.code
