"""Users and their command, whichever comes first or late: nobody is lost, nobody counts twice."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.records import LabelCount, UsersCounted, UsersLabelled
from tables.uploads import KEPT_MS, PATIENCE_MS
from tests.audiences import DAY, T0, Audience, asked, several, upload, withdrawal

USERS = [f"yandex_uid:{n}" for n in range(30)]
FAR: dict[str, Any] = {"ends_at": T0 + 400 * DAY}


def labelled(audience: Audience) -> set[str]:
    memory: Any = audience.members
    return {user.decode() for user in memory.memberships.rows}


def aside(audience: Audience) -> int:
    memory: Any = audience.owner
    return len(memory.strays.rows)


def told(audience: Audience) -> tuple[int, int, int, list[int]]:
    label = audience.labels["spring:sale"]
    return label.total, label.processed, label.failed, label.unfinished


@pytest.mark.parametrize("days", [0, 1, 37])
async def test_users_that_are_read_long_after_their_command_get_their_label(days: int) -> None:
    """An outage, or dead letters sent again. Mutation tried: uploads are forgotten after 24 hours: fails."""
    audience = Audience()
    command, *chunks = upload("u1", USERS, **FAR)
    await audience.ask(command)
    audience.now += days * DAY
    await audience.ask(*chunks)
    await audience.settle()
    assert (set(USERS), (30, 30, 0, [])) == (labelled(audience), told(audience))


async def test_users_that_are_read_before_their_command_wait_for_it() -> None:
    audience = Audience()
    command, *chunks = upload("u1", USERS)
    await audience.ask(*chunks)
    assert (len(chunks), [], {}) == (aside(audience), list(audience.waiting), audience.labels)
    await audience.ask(command)
    await audience.settle()
    assert (set(USERS), (30, 30, 0, []), 0) == (labelled(audience), told(audience), aside(audience))


async def test_a_command_out_of_the_dead_letters_finds_its_users() -> None:
    """Its 200 has users. Mutation tried: users without their command are passed over: fails."""
    audience = Audience()
    command, *chunks = upload("u1", USERS, **FAR)
    await audience.ask(*chunks)
    audience.now += 30 * DAY
    (answer,) = await audience.ask(command)
    await audience.settle()
    assert ("accepted", set(USERS), 0) == (answer.outcome, labelled(audience), aside(audience))


async def test_a_command_that_stays_away_is_told_once_and_its_users_stay() -> None:
    audience = Audience()
    command, *chunks = upload("u1", USERS, **FAR)
    for chunk in chunks:
        audience.now += 1
        await audience.ask(chunk)
    audience.now += PATIENCE_MS
    with pytest.raises(LookupError, match="u1"):
        await audience.settle()
    await audience.settle()
    await audience.ask(command)
    await audience.settle()
    assert set(USERS) == labelled(audience)


@pytest.mark.parametrize("is_first", [True, False])
async def test_users_of_a_refused_request_are_dropped_before_it_and_behind_it(*, is_first: bool) -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS[:1]))
    await audience.settle()
    command, *chunks = upload("u2", USERS, ends_at=T0 + 1)
    await audience.ask(*(chunks if is_first else ()), command, *(() if is_first else chunks))
    await audience.settle()
    assert (set(USERS[:1]), 0, (1, 1, 0, [])) == (labelled(audience), aside(audience), told(audience))


async def test_a_record_of_users_that_comes_twice_counts_once() -> None:
    """Mutation tried: a record is handed on again: fails."""
    audience = Audience()
    records = upload("u1", USERS)
    command, first, *others = records
    await audience.ask(command, first, first)
    await audience.settle()
    await audience.ask(*records, first, *others)
    await audience.settle()
    sent = [event for event in audience.events if isinstance(event, UsersLabelled)]
    assert (len(records) - 1, (30, 30, 0, [])) == (len(sent), told(audience))


async def test_a_command_that_comes_twice_is_one_request_even_after_its_key_is_forgotten() -> None:
    """Dead letters sent again twice. Mutation tried: it counts as another request, whose users never come."""
    audience = Audience()
    records = upload("u1", USERS, **FAR)
    await audience.ask(*records)
    await audience.settle()
    audience.now += 2 * DAY
    assert [] == await audience.ask(records[0])
    await audience.settle()
    assert (30, 30, 0, []) == told(audience)


async def test_users_that_never_come_have_failed_when_no_topic_holds_them_any_longer() -> None:
    audience = Audience()
    command, *chunks = upload("u1", USERS, **FAR)
    await audience.ask(command, *chunks[1:])
    await audience.settle()
    missing = sum(len(one.users) for one in chunks[0].groups[0].labels)
    assert (30, 30 - missing, 0, [1]) == told(audience)
    audience.now += KEPT_MS
    await audience.settle()
    assert (30, 30 - missing, missing, []) == told(audience)
    await audience.ask(chunks[0])
    await audience.settle()
    assert (30, 30 - missing, missing, []) == told(audience)


async def test_counts_of_an_upload_that_nobody_knows_are_an_error() -> None:
    counts = [LabelCount(audience_label="spring:sale", processed=1)]
    with pytest.raises(LookupError, match="u9"):
        await Audience().ask(UsersCounted(upload_id="u9", counts=counts))


async def test_counts_are_never_more_than_was_asked_for() -> None:
    audience = Audience()
    await audience.ask(upload("u1", USERS)[0])
    counts = [LabelCount(audience_label="spring:sale", processed=29, failed=5)]
    await audience.ask(
        UsersCounted(upload_id="u1", counts=counts), UsersCounted(upload_id="u1", counts=counts)
    )
    assert (30, 29, 1, []) == told(audience)


async def test_users_of_a_withdrawn_label_fail_and_those_of_others_go_on() -> None:
    audience = Audience()
    command, *chunks = several("u1", [(asked("spring:a"), USERS[:10]), (asked("spring:b"), USERS[5:])])
    await audience.ask(command, withdrawal("w", "spring:a"), *chunks)
    await audience.settle()
    a, b = audience.labels["spring:a"], audience.labels["spring:b"]
    assert (10, 0, 25, 0) == (a.failed, a.processed, b.processed, b.failed)
    assert ([], [], set(USERS[5:])) == (a.unfinished, b.unfinished, labelled(audience))
