"""Messages in the app: what enters the mailbox, what clients say, what leaves it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.keep import Input, Memory, keep
from schemas.ids import subject_key
from schemas.records import AttemptEnded, CancelAsked, MailboxActed, RetryDue, SendTask, Switch, Vetoed
from tables.mailbox import Mailbox, Terms, letter_key
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import DAY, T0, TASK

IN_APP = replace(TASK, channel="in_app")
USER = IN_APP.user_id
TERMS = Terms(keep_ms=7 * DAY, most=2)


class Box:
    """One mailbox task with its tables."""

    def __init__(self) -> None:
        self.memory = Memory(MemoryTable(), MemoryTable(), MemoryTable(), MemoryTable())
        self.now = T0

    async def tell(self, *values: Input) -> list[tuple[str, str, str | None]]:
        """Message, status and reason of what follows."""
        stream = FakeStream([FakeEvent(one) for one in values], self.now)
        found = [one async for one in keep(stream, self.memory, MemoryReference(), TERMS)]
        return [
            (one.message_id, one.status, one.reason)
            if isinstance(one, AttemptEnded)
            else (one.task.message_id, "held", None)
            for one in found
        ]

    @property
    def here(self) -> list[str]:
        found = self.memory.mailboxes.get(subject_key(USER)) or Mailbox()
        return [one.message_id for one in found.kept]

    @property
    def letters(self) -> dict[bytes, Any]:
        rows: dict[bytes, Any] = self.memory.letters.rows  # type: ignore[attr-defined]
        return rows


def made(name: str, **fields: Any) -> SendTask:
    return replace(IN_APP, message_id=name, **fields)


def said(act: str, *names: str, at: int = T0) -> MailboxActed:
    return MailboxActed(user_id=USER, act=act, message_ids=[*names], at=at)


def gone(version: int) -> Vetoed:
    return Vetoed(user_id=USER, scope="user", at=T0, expires_at=T0 + DAY, version=version)


@pytest.mark.spec("NS-CH-005 NS-CH-OP-09")
async def test_a_message_is_sent_by_being_kept() -> None:
    box = Box()
    assert [("a", "sent", None)] == await box.tell(made("a"))
    assert ["a"] == box.here
    assert {letter_key(USER, "a"): (made("a"), T0 + TERMS.keep_ms)} == box.letters


async def test_a_repeat_is_told_again_under_the_same_id_and_kept_once() -> None:
    box = Box()
    assert await box.tell(made("a")) == await box.tell(made("a"))
    assert ["a"] == box.here


async def test_what_leaves_for_one_more_takes_its_letter_along() -> None:
    box = Box()
    await box.tell(made("a"), made("b"), made("c"))
    assert ["b", "c"] == box.here
    assert {letter_key(USER, "b"), letter_key(USER, "c")} == box.letters.keys()


@pytest.mark.spec("NS-CH-053 NS-SND-OP-06")
async def test_a_client_that_has_it_says_delivered_and_a_reader_opened() -> None:
    box = Box()
    await box.tell(made("a"), made("b"))
    assert [("a", "delivered", None)] == await box.tell(said("ack", "a"))
    assert [("a", "opened", None)] == await box.tell(said("read", "a"))
    told = [("b", "delivered", None), ("b", "opened", None)]
    assert told == await box.tell(said("read", "b"))


@pytest.mark.parametrize("act", ["seen", "archive"])
async def test_what_was_seen_or_put_away_was_delivered_and_not_opened(act: str) -> None:
    box = Box()
    assert [("a", "sent", None), ("a", "delivered", None)] == await box.tell(made("a"), said(act, "a"))


async def test_what_was_said_before_says_nothing_more() -> None:
    box = Box()
    await box.tell(made("a"), said("read", "a"))
    assert [] == await box.tell(said("ack", "a"), said("read", "a"), said("seen", "a"))


async def test_what_is_not_in_the_mailbox_says_nothing() -> None:
    box = Box()
    assert [] == await box.tell(said("read", "a"))
    await box.tell(made("a"))
    assert [] == await box.tell(said("read", "b"))


async def test_of_several_in_one_act_each_is_told() -> None:
    box = Box()
    await box.tell(made("a"), made("b"))
    told = [("a", "delivered", None), ("b", "delivered", None)]
    assert told == await box.tell(said("ack", "a", "x", "b"))


async def test_what_is_too_old_or_cancelled_or_unsubscribed_does_not_enter() -> None:
    box = Box()
    cancel = Vetoed(
        user_id=USER,
        scope="request",
        at=T0,
        expires_at=T0 + DAY,
        request_id="r-2",
        source=IN_APP.source,
    )
    stop = Vetoed(
        user_id=USER,
        scope="choices",
        at=T0,
        expires_at=T0 + DAY,
        version=2,
        unsubscribed={"in_app": Switch(is_on=True, at=T0)},
    )
    late, taken_back, unwanted = (
        made("late", expires_at=T0, preferences_version=2),
        made("cancelled", request_id="r-2", preferences_version=2),
        made("unwanted", preferences_version=1),
    )
    assert [
        ("late", "expired", "too_late"),
        ("cancelled", "cancelled", "request_cancelled"),
        ("unwanted", "skipped", "unsubscribed_channel"),
    ] == await box.tell(cancel, stop, late, taken_back, unwanted)
    assert [] == box.here


@pytest.mark.spec("NS-SEC-OP-02")
async def test_of_an_erased_user_nothing_stays_but_what_was_made_since() -> None:
    """Mutations: the mailbox alone is emptied; all of it is."""
    box = Box()
    await box.tell(made("a", preferences_version=1), made("b", preferences_version=5))
    await box.tell(gone(5))
    assert (["b"], {letter_key(USER, "b")}) == (box.here, {*box.letters})
    assert [("c", "cancelled", "user_erased")] == await box.tell(made("c", preferences_version=4))
    await box.tell(gone(6))
    assert ({}, {}) == (box.memory.mailboxes.rows, box.letters)  # type: ignore[attr-defined]


async def test_a_veto_of_something_else_takes_nothing_out() -> None:
    box = Box()
    cancel = CancelAsked(
        request_id=IN_APP.request_id, source=IN_APP.source, user_id=USER, asked_at=T0, received_at=T0
    )
    veto = Vetoed(
        user_id=USER,
        scope="request",
        at=T0,
        expires_at=T0 + DAY,
        request_id=cancel.request_id,
        source=cancel.source,
    )
    await box.tell(made("a"), veto)
    assert ["a"] == box.here


async def test_what_quiet_hours_hold_enters_after_them() -> None:
    box = Box()
    due = RetryDue(task=made("a"), due_at=T0)
    assert [("a", "sent", None)] == await box.tell(due)
