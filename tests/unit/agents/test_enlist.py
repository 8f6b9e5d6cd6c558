"""Users get their labels and lose them: at the end of the label, and when it is withdrawn (CRM-OP-12)."""

from __future__ import annotations

from typing import Any

import pytest

from agents import enlist
from schemas.ids import bucket_of
from schemas.records import CommunicationSeen, LabelCount, LabelGiven, UsersLabelled, ViewerForgotten
from tables.memberships import MOST_LABELS, Entry, Memberships
from tables.shown import Shown, key_of
from tests.audiences import DAY, T0, Audience, asked, several, upload, withdrawal

USERS = [f"device_id:{n}" for n in range(40)]
NEIGHBOURS = [name for n in range(60_000) if bucket_of(name := f"device_id:{n}") == 7][:40]
"""Users of one bucket."""


def rows(audience: Audience) -> tuple[Any, Any]:
    memory: Any = audience.members
    return memory.memberships.rows, memory.enlisted.rows


async def published(*uploads: list[Any]) -> Audience:
    audience = Audience()
    for one in uploads:
        await audience.ask(*one)
    await audience.settle()
    return audience


@pytest.mark.spec("AUD-091 AUD-123 CRM-063")
async def test_every_user_has_the_label_once_under_his_own_key() -> None:
    audience = await published(upload("u1", USERS))
    memberships, enlisted = rows(audience)
    assert {user.encode() for user in USERS} == set(memberships)
    entry = Entry(audience_label="spring:sale", numbers=[1], ends_at=T0 + DAY)
    assert [Memberships(entries=[entry])] * 40 == [value for value, _ in memberships.values()]
    assert 40 == len(enlisted)


@pytest.mark.spec("CRM-052 CRM-OP-12")
@pytest.mark.parametrize("step", [1, 7, 500])
async def test_a_withdrawal_leaves_no_row_of_the_label_and_all_others(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutation tried: the rest of a full step is not asked for: fails."""
    monkeypatch.setattr(enlist, "STEP", step)
    users = NEIGHBOURS
    audience = await published(upload("u1", users), upload("u2", users[:10], name="spring:kept"))
    await audience.ask(withdrawal("w", "spring:sale"))
    await audience.settle()
    memberships, enlisted = rows(audience)
    assert ({user.encode() for user in users[:10]}, 10) == (set(memberships), len(enlisted))
    assert {"spring:kept"} == {e.audience_label for value, _ in memberships.values() for e in value.entries}


async def test_nothing_is_left_of_a_label_that_has_ended() -> None:
    audience = await published(upload("u1", USERS))
    audience.now = T0 + DAY - 1
    await audience.settle()
    assert 40 == len(rows(audience)[0])
    audience.now = T0 + DAY
    await audience.settle()
    assert ({}, {}) == rows(audience)


async def test_users_of_a_label_that_has_ended_already_are_counted_and_not_entered() -> None:
    audience = await published(upload("u1", USERS, ends_at=T0))
    assert ({}, {}) == rows(audience)
    assert (40, []) == (audience.labels["spring:sale"].processed, audience.labels["spring:sale"].unfinished)


async def test_a_user_with_too_many_labels_has_failed() -> None:
    audience = Audience()
    full = Memberships(
        entries=[Entry(audience_label=str(n), numbers=[1], ends_at=T0 + DAY) for n in range(MOST_LABELS)]
    )
    audience.members.memberships.put(USERS[0].encode(), full)
    await audience.ask(*upload("u1", USERS))
    await audience.settle()
    label = audience.labels["spring:sale"]
    assert (39, 1, []) == (label.processed, label.failed, label.unfinished)


def given(upload_id: str, *users: str, **changes: Any) -> list[UsersLabelled]:
    label = {"audience_label": "spring:sale", "number": 1, "ends_at": T0 + DAY, **changes}
    return [
        UsersLabelled(upload_id=upload_id, bucket=bucket_of(user), labels=[LabelGiven(users=[user], **label)])
        for user in users
    ]


async def test_counts_of_a_batch_are_one_record_per_upload() -> None:
    audience = Audience()
    await audience.enlist(
        *given("u1", *USERS[:20]),
        *given("u2", *USERS[20:], number=2),
        *given("u1", *USERS[:7], audience_label="spring:b"),
    )
    assert [
        (
            "u1",
            [
                LabelCount(audience_label="spring:sale", processed=20),
                LabelCount(audience_label="spring:b", processed=7),
            ],
        ),
        ("u2", [LabelCount(audience_label="spring:sale", processed=20)]),
    ] == [(count.upload_id, count.counts) for count in audience.counts]


async def test_users_that_come_twice_from_a_request_count_once() -> None:
    """A record out of the dead letters, sent again twice. Mutation tried: who had it counts too: fails."""
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    first, *others = audience.waiting
    audience.waiting.clear()
    await audience.enlist(first)
    await audience.enlist(first)
    await audience.enlist(first, *others)
    assert 40 == sum(one.processed for count in audience.counts for one in count.counts)


async def test_entries_that_end_at_one_time_have_one_timer_in_a_bucket() -> None:
    """A full request meets each bucket with some sixty labels."""
    audience = Audience()
    user, *_ = NEIGHBOURS
    records = [record for n in range(60) for record in given("u1", user, audience_label=f"spring:{n}")]
    await audience.enlist(*records)
    assert 1 == len(audience.timers)
    audience.counts.clear()
    audience.now += DAY
    await audience.settle()
    assert ({}, {}) == rows(audience)


@pytest.mark.spec("AUD-OP-29")
async def test_an_entry_shows_when_its_request_is_done_and_stays_while_others_are_labelled() -> None:
    """AUD-OP-29. Mutation tried: an entry keeps the last number only: fails."""
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    while len(audience.waiting) > 1:
        await audience.enlist(audience.waiting.popleft())
    shown = [audience.seen_by(user) for user in USERS]
    assert [[]] * 40 == shown
    await audience.settle()
    assert [["spring:sale"]] * 40 == [audience.seen_by(user) for user in USERS]
    await audience.ask(*upload("u2", [*USERS, "device_id:new"]))
    await audience.enlist(audience.waiting.popleft())
    assert [["spring:sale"]] * 40 == [audience.seen_by(user) for user in USERS]
    assert [] == audience.seen_by("device_id:new")


@pytest.mark.spec("AUD-OP-29")
async def test_nothing_of_a_request_shows_before_all_its_labels_are_done() -> None:
    """AUD-OP-29: no half of a request. Mutation tried: a label is done by its own users: fails."""
    audience = Audience()
    parts = [(asked("spring:a"), USERS[:5]), (asked("spring:b"), USERS[5:9])]
    await audience.ask(*several("u1", parts))
    held = next(record for record in audience.waiting if record.labels[0].audience_label == "spring:b")
    audience.waiting.remove(held)
    await audience.settle()
    assert (5, 5) == (audience.labels["spring:a"].processed, audience.labels["spring:a"].total)
    assert [[]] * 9 == [audience.seen_by(user) for user in USERS[:9]]
    audience.waiting.append(held)
    await audience.settle()
    assert [["spring:a"]] * 5 + [["spring:b"]] * 4 == [audience.seen_by(user) for user in USERS[:9]]


@pytest.mark.parametrize("step", [1, 3, 500])
async def test_labels_that_are_withdrawn_together_leave_in_steps(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event of many labels does no more than a step. Mutation tried: what is over is dropped: fails."""
    monkeypatch.setattr(enlist, "STEP", step)
    users = NEIGHBOURS[:4]
    audience = await published(several("u1", [(asked(f"spring:{n}"), users) for n in range(6)]))
    await audience.ask(withdrawal("w"))
    before = len(rows(audience)[1])
    await audience.enlist(audience.waiting.popleft())
    assert min(step, 24) == before - len(rows(audience)[1])
    await audience.settle()
    assert ({}, {}) == rows(audience)


async def test_withdrawn_entries_are_hidden_before_they_are_removed() -> None:
    audience = await published(upload("u1", USERS))
    await audience.ask(withdrawal("w"))
    assert (40, [[]] * 40) == (len(rows(audience)[0]), [audience.seen_by(user) for user in USERS])


@pytest.mark.spec("AUD-093")
async def test_a_label_for_everyone_has_no_rows_of_users() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", [], name="spring", is_for_everyone=True))
    await audience.settle()
    assert (["spring"], ({}, {})) == (audience.seen_by("device_id:0"), rows(audience))
    assert asked("spring", is_for_everyone=True).starts_at == audience.labels["spring"].starts_at


def seen(user: str, kept_until: int, seen_at: int = T0) -> CommunicationSeen:
    return CommunicationSeen(
        bucket=bucket_of(user), user=user, communication_id="sale", seen_at=seen_at, kept_until=kept_until
    )


async def test_what_a_user_saw_is_remembered_from_the_first_fact_on_and_then_anew() -> None:
    """Mutation tried: each fact is written: fails."""
    audience = Audience()
    await audience.enlist(seen("phone_id:1", T0 + 10), seen("phone_id:1", T0 + 99, seen_at=T0 + 1))
    shown: Any = audience.members.shown
    key = key_of("phone_id:1", "sale")
    assert {key: (Shown(seen_at=T0), T0 + 10)} == shown.rows
    audience.now = T0 + 10
    await audience.enlist(seen("phone_id:1", T0 + 99, seen_at=T0 + 10))
    assert Shown(seen_at=T0 + 10) == shown.get(key)


async def test_what_is_remembered_no_longer_is_not_written() -> None:
    audience = Audience()
    await audience.enlist(seen("phone_id:1", T0))
    shown: Any = audience.members.shown
    assert {} == shown.rows


@pytest.mark.spec("NS-SEC-OP-02")
async def test_nothing_is_known_of_a_user_who_was_erased_and_all_of_others() -> None:
    """Mutation: entries stay."""
    gone, *others = USERS
    audience = await published(upload("u1", USERS), upload("u2", USERS, name="spring:kept"))
    await audience.enlist(*[seen(user, T0 + DAY) for user in (gone, f"{gone}0", others[0])])
    await audience.enlist(ViewerForgotten(bucket=bucket_of(gone), user=gone))
    memberships, enlisted = rows(audience)
    shown: Any = audience.members.shown
    assert ({user.encode() for user in others}, 2 * len(others)) == (set(memberships), len(enlisted))
    assert {key_of(f"{gone}0", "sale"), key_of(others[0], "sale")} == set(shown.rows)
