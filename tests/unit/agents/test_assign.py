"""What the audience stage decides: answers, repeats, conflicts, withdrawals, progress (AUD-OP-01)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.ids import bucket_of
from schemas.records import ChosenFilter, LabelNamed, RequestCount, UsersLabelled
from tables.publications import MOST_LABELS
from tests.audiences import DAY, T0, Audience, asked, several, upload, withdrawal

USERS = [f"yandex_uid:{n}" for n in range(5)]


async def test_a_request_is_answered_with_its_labels_and_its_users_go_to_their_buckets() -> None:
    audience = Audience()
    (answer,) = await audience.ask(*upload("u1", USERS))
    assert ("u1", "req-u1", "accepted", False) == (
        answer.upload_id,
        answer.request_id,
        answer.outcome,
        answer.is_replay,
    )
    assert [LabelNamed(communication_id="sale", audience_label="spring:sale")] == answer.labels
    sent = [record for record in audience.waiting if isinstance(record, UsersLabelled)]
    given = [one for record in sent for one in record.labels]
    assert sorted(USERS) == sorted(user for one in given for user in one.users)
    assert {("spring:sale", 1, T0 + DAY)} == {(one.audience_label, one.number, one.ends_at) for one in given}
    assert {"u1"} == {record.upload_id for record in sent}


@pytest.mark.spec("AUD-OP-10")
async def test_a_repeat_gets_the_same_answer_and_labels_nobody_again() -> None:
    """Mutation tried: users of a repeat are passed on: fails."""
    audience = Audience()
    (first,) = await audience.ask(*upload("u1", USERS, key="k"))
    await audience.settle()
    (again,) = await audience.ask(*upload("u2", USERS, key="k"))
    assert replace(first, upload_id="u2", is_replay=True) == again
    assert 0 == len(audience.waiting)
    assert (1, 5) == (audience.labels["spring:sale"].requests, audience.labels["spring:sale"].total)


async def test_a_repeat_while_the_first_is_under_way_is_a_repeat() -> None:
    """The two uploads lie interleaved in the topic, as two processes may write them."""
    audience = Audience()
    first, again = upload("u1", USERS, key="k"), upload("u2", USERS, key="k")
    mixed = [record for pair in zip(first, again, strict=True) for record in pair]
    answers = await audience.ask(*mixed)
    assert [False, True] == [answer.is_replay for answer in answers]
    assert len(USERS) == sum(len(one.users) for record in audience.waiting for one in record.labels)


@pytest.mark.spec("AUD-OP-10")
async def test_the_same_key_with_another_body_is_a_conflict_and_changes_nothing() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS, key="k"))
    await audience.settle()
    before = audience.labels.copy()
    (answer,) = await audience.ask(*upload("u2", USERS, key="k", digest=b"2", name="spring:other"))
    await audience.settle()
    assert ("conflict", []) == (answer.outcome, answer.labels)
    assert before == audience.labels


@pytest.mark.spec("AUD-OP-10")
async def test_a_key_counts_as_new_after_24_hours() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS[:1], key="k", ends_at=T0 + 9 * DAY))
    audience.now += DAY
    (answer,) = await audience.ask(*upload("u2", USERS[:1], key="k", digest=b"2", ends_at=T0 + 9 * DAY))
    assert ("accepted", 2) == (answer.outcome, audience.labels["spring:sale"].requests)


async def test_publish_and_unpublish_have_keys_of_their_own() -> None:
    audience = Audience()
    await audience.ask(*upload("k", USERS))
    (answer,) = await audience.ask(withdrawal("k"))
    assert ("accepted", False) == (answer.outcome, answer.is_replay)


@pytest.mark.spec("AUD-OP-01 CRM-OP-05 CRM-OP-13")
@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": T0 + 1},
        {"ends_at": T0 + DAY + 1},
        {"communication_id": "other"},
        {"is_test_publication": True},
        {"filters": [ChosenFilter(filter_id="city", value_type="string", values=["a"])]},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_other_dates_or_content_of_a_label_are_a_conflict(changes: dict[str, Any]) -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    (answer,) = await audience.ask(*upload("u2", ["phone_id:9"], **changes))
    assert ("conflict", next(iter(changes))) == (answer.outcome, answer.detail.rpartition(" ")[2])
    await audience.settle()
    assert (1, []) == (audience.labels["spring:sale"].requests, audience.seen_by("phone_id:9"))


@pytest.mark.spec("AUD-OP-01")
async def test_filters_in_another_order_are_the_same_content() -> None:
    """AUD-OP-01: nothing has changed. Mutation tried: lists are compared: fails."""
    city = ChosenFilter(filter_id="city", value_type="string", values=["a", "b"])
    turned = replace(city, values=["b", "a"])
    trips = ChosenFilter(filter_id="trips", value_type="number", values=["3"])
    audience = Audience()
    answers = [
        *await audience.ask(*upload("u1", USERS, filters=[city, trips])),
        *await audience.ask(*upload("u2", USERS, filters=[trips, turned])),
        *await audience.ask(*upload("u3", USERS, filters=[trips])),
    ]
    assert ["accepted", "accepted", "conflict"] == [answer.outcome for answer in answers]


@pytest.mark.spec("AUD-020")
async def test_a_request_without_a_key_is_decided_by_its_label_alone() -> None:
    """The old form. Mutation tried: its answer is remembered: a publication after a withdrawal is a 200."""
    audience = Audience()
    general: dict[str, Any] = {"name": "spring", "is_for_everyone": True}
    answers = [
        *await audience.ask(*upload("u1", [], key="", **general)),
        *await audience.ask(*upload("u2", [], key="", digest=b"2", **general)),
        *await audience.ask(withdrawal("w")),
        *await audience.ask(*upload("u3", [], key="", **general)),
    ]
    assert ["accepted", "accepted", "accepted", "conflict"] == [answer.outcome for answer in answers]
    assert [False] * 4 == [answer.is_replay for answer in answers]


@pytest.mark.spec("CRM-064")
async def test_a_campaign_has_so_many_labels_and_no_more() -> None:
    """Its row and the answer to its withdrawal must fit into a record."""
    audience = Audience()
    for start in range(0, MOST_LABELS, 100):
        parts = [(asked(f"spring:{n}"), USERS[:0]) for n in range(start, start + 100)]
        await audience.ask(*several(f"u{start}", parts))
    (again,) = await audience.ask(*upload("again", USERS, name="spring:7"))
    (more,) = await audience.ask(*upload("more", USERS, name="spring:more"))
    assert ("accepted", "conflict") == (again.outcome, more.outcome)
    assert more.detail.endswith(f"more than {MOST_LABELS} labels")


async def test_one_label_in_conflict_refuses_the_whole_request() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    command, *_ = upload("u2", USERS)
    labels = [asked("spring:new", users=1), asked(ends_at=T0 + 1)]
    (answer,) = await audience.ask(replace(command, labels=labels))
    assert ("conflict", {"spring:sale"}) == (answer.outcome, set(audience.labels))


async def test_what_was_refused_may_be_sent_mended_under_its_key() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    await audience.ask(*upload("u2", USERS, key="k", ends_at=T0 + 1))
    (answer,) = await audience.ask(*upload("u3", USERS, key="k", digest=b"2"))
    assert "accepted" == answer.outcome


@pytest.mark.spec("AUD-004 AUD-OP-01 AUD-050")
async def test_requests_of_a_label_add_up() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    await audience.ask(*upload("u2", ["phone_id:1"]))
    label = audience.labels["spring:sale"]
    assert (2, 6, [1, 2]) == (label.requests, label.total, label.unfinished)
    await audience.settle()
    label = audience.labels["spring:sale"]
    assert (6, 0, []) == (label.processed, label.failed, label.unfinished)


@pytest.mark.spec("CRM-OP-04")
async def test_progress_is_told_by_request_too_and_forgotten_after_7_days() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    count = RequestCount(audience_label="spring:sale", communication_id="sale", total=5)
    assert [count] == audience.requests["req-u1"].counts
    await audience.settle()
    assert [replace(count, processed=5)] == audience.requests["req-u1"].counts
    audience.now += 7 * DAY - 1
    await audience.settle()
    assert {"req-u1"} == set(audience.requests)
    audience.now += 1
    await audience.settle()
    assert (set(), {}) == (set(audience.requests), audience.owner.requests.rows)  # type: ignore[attr-defined]


async def test_a_label_gets_its_row_when_it_is_new_and_when_it_is_withdrawn() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    await audience.ask(*upload("u2", USERS))
    await audience.settle()
    await audience.ask(withdrawal("w"))
    first, last = audience.rows
    assert (T0, None, T0) == (first.published_at, first.withdrawn_at, last.withdrawn_at)
    assert last.version > first.version


@pytest.mark.spec("CRM-OP-02 CRM-051")
async def test_a_withdrawn_label_is_never_used_again() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    await audience.ask(withdrawal("w", "spring:sale"))
    (answer,) = await audience.ask(*upload("u2", USERS))
    assert ("conflict", "label spring:sale was withdrawn") == (answer.outcome, answer.detail)
    (other,) = await audience.ask(*upload("u3", USERS, name="spring:new"))
    assert "accepted" == other.outcome


async def test_a_withdrawn_campaign_takes_no_new_labels() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    (ended,) = await audience.ask(withdrawal("w"))
    assert [LabelNamed(communication_id="sale", audience_label="spring:sale")] == ended.labels
    (answer,) = await audience.ask(*upload("u2", USERS, name="spring:new"))
    assert "conflict" == answer.outcome


async def test_a_withdrawal_reaches_the_buckets_that_have_users_once() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    await audience.settle()
    await audience.ask(withdrawal("w"), withdrawal("w"), withdrawal("again"))
    assert sorted({bucket_of(user) for user in USERS}) == [record.bucket for record in audience.waiting]
    assert ["accepted"] * 3 == [answer.outcome for answer in audience.answers[-3:]]
    assert T0 == audience.labels["spring:sale"].ends_at


@pytest.mark.spec("CRM-OP-02")
async def test_nothing_of_the_name_is_an_unknown_label() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    answers = [
        *await audience.ask(withdrawal("w1", "spring:other")),
        *await Audience().ask(withdrawal("w2")),
    ]
    assert ["unknown_label"] * 2 == [answer.outcome for answer in answers]
