"""Audiences under any order of batches: sums, repeats, and that what shows goes on showing (AUD-OP-29)."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.audiences import DAY, T0, Audience, upload, withdrawal

USERS = [f"phone_id:{n}" for n in range(12)]
PEOPLE = st.lists(st.sampled_from(USERS), unique=True, max_size=12)


@settings(deadline=None, max_examples=40)
@given(st.lists(PEOPLE, min_size=1, max_size=4), st.randoms(use_true_random=False), st.integers(1, 4))
def test_records_in_any_order_and_any_number_of_times_label_each_user_once(
    uploads: list[list[str]], random: Any, most: int
) -> None:
    """Users before their command, dead letters sent again, batches of any size: the sums are the same.

    Mutation tried: users that come before their command are passed over: fails.
    """
    records = [record for n, people in enumerate(uploads) for record in upload(f"u{n}", people)]
    records += random.choices(records, k=len(records) // 2)
    random.shuffle(records)
    audience = Audience()
    while records:
        batch = [records.pop() for _ in range(min(random.randint(1, most), len(records)))]
        asyncio.run(audience.ask(*batch))
        if random.random() < 0.5:
            asyncio.run(audience.settle())
    asyncio.run(audience.settle())
    label = audience.labels["spring:sale"]
    total = sum(len(people) for people in uploads)
    assert (len(uploads), total, total, 0, []) == (
        label.requests,
        label.total,
        label.processed,
        label.failed,
        label.unfinished,
    )
    assert {user for people in uploads for user in people} == {
        user for user in USERS if audience.seen_by(user)
    }
    memory: Any = audience.owner
    assert {} == memory.strays.rows


@settings(deadline=None, max_examples=40)
@given(PEOPLE, st.lists(st.integers(0, 40), max_size=4), st.integers(0, 1))
def test_a_repeat_never_changes_the_answer(people: list[str], places: list[int], withdrawn: int) -> None:
    """Repeats anywhere among the records of others; even after the label was withdrawn."""
    records = [*upload("u0", people, key="k"), *upload("v0", USERS[:3])]
    if withdrawn:
        records.append(withdrawal("w"))
    for number, place in enumerate(places, 1):
        again = upload(f"u{number}", people, key="k")
        at = 1 + place % len(records)
        records[at:at] = again
    audience = Audience()
    asyncio.run(audience.ask(*records))
    answers = [answer for answer in audience.answers if answer.request_id == "req-k"]
    first = answers[0]
    assert [
        first,
        *(replace(first, upload_id=one.upload_id, is_replay=True) for one in answers[1:]),
    ] == answers
    assert 1 + len(places) == len(answers)


@pytest.mark.spec("AUD-OP-29")
@settings(deadline=None, max_examples=25)
@given(st.data(), st.lists(PEOPLE, min_size=1, max_size=4))
def test_what_a_user_sees_he_goes_on_seeing_until_the_label_ends(
    data: st.DataObject, uploads: list[list[str]]
) -> None:
    """Members take the records of one bucket in order, buckets in any; counts come back in any order.

    Mutation tried: an entry keeps the number of the last request only: fails.
    """
    audience = Audience()
    commands = deque(upload(f"u{n}", people) for n, people in enumerate(uploads))
    shown: set[str] = set()
    while commands or audience.waiting or audience.counts:
        asyncio.run(_one_step(data, audience, commands))
        now_shown = {user for user in USERS if audience.seen_by(user)}
        assert set() == shown - now_shown
        shown = now_shown
    assert {user for people in uploads for user in people} == shown
    assert [] == audience.labels["spring:sale"].unfinished
    audience.now = T0 + DAY
    assert [] == [user for user in USERS if audience.seen_by(user)]


async def _one_step(data: st.DataObject, audience: Audience, commands: deque[list[Any]]) -> None:
    """Commands, members or counts move on, by one record."""
    ways = [
        name
        for name, left in (
            ("commands", commands),
            ("waiting", audience.waiting),
            ("counts", audience.counts),
        )
        if left
    ]
    way = data.draw(st.sampled_from(ways))
    if way == "commands":
        await audience.ask(*commands.popleft())
    elif way == "counts":
        place = data.draw(st.integers(0, len(audience.counts) - 1))
        count = audience.counts[place]
        del audience.counts[place]
        await audience.ask(count)
    else:
        bucket = data.draw(st.sampled_from(sorted({record.bucket for record in audience.waiting})))
        record = next(one for one in audience.waiting if one.bucket == bucket)
        audience.waiting.remove(record)
        await audience.enlist(record)


@pytest.mark.spec("CRM-OP-12")
@settings(deadline=None, max_examples=25)
@given(PEOPLE, PEOPLE, st.integers(0, 30))
def test_a_withdrawal_at_any_moment_leaves_no_garbage_and_no_open_request(
    first: list[str], second: list[str], place: int
) -> None:
    records = [*upload("u1", first), *upload("u2", second)]
    records.insert(1 + place % len(records), withdrawal("w"))
    audience = Audience()
    asyncio.run(audience.ask(*records))
    asyncio.run(audience.settle())
    label = audience.labels["spring:sale"]
    assert ([], label.total) == (label.unfinished, label.processed + label.failed)
    memory: Any = audience.members
    assert ({}, {}) == (memory.memberships.rows, memory.enlisted.rows)
