"""Rows of the stage as the gateway sees them: what is live, what cannot be opened, whom a row wakes."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from connectors.http.mailbox.ports import Item, NotCaughtUpError
from schemas.codec import SchemaBook, encode
from schemas.ids import subject_key
from schemas.records import Content, SendTask
from streams.engine.api import NotYet
from streams.mailbox import LETTERS, MAILBOXES
from streams.mailboxes import STALE_MS, MailboxesRead, users_in
from tables.mailbox import Kept, Mailbox, letter_key
from tests.fakes import PlainCipher
from tests.messages import T0, TASK

USER = TASK.user_id
KEY = subject_key(USER)
CONTENT = Content(body="It is on its way.", title="Your order")
LETTER = replace(TASK, message_id="a", content=b"sealed:" + msgspec.json.encode(CONTENT))


class Rows:
    """The copy."""

    def __init__(self, *kept: Kept, letter: SendTask | None = LETTER) -> None:
        self.rows = {(KEY, MAILBOXES, KEY): encode(Mailbox(kept=[*kept]))}
        if letter is not None:
            self.rows[KEY, LETTERS, letter_key(USER, "a")] = encode(letter)
        self.lag: int | None = 0
        self.is_read = True

    def row(self, kafka_key: bytes, table: int, key: bytes) -> bytes | None:
        if not self.is_read:
            raise NotYet("restore")
        return self.rows.get((kafka_key, table, key))

    def lag_ms(self) -> int | None:
        return self.lag


def read(rows: Rows) -> MailboxesRead:
    return MailboxesRead(rows, SchemaBook(), PlainCipher(), lambda: T0)


def kept(name: str, number: int, **times: int) -> Kept:
    return Kept(message_id=name, number=number, **{"ends_at": T0 + 1, **times})


def test_what_has_not_ended_is_there_with_what_was_done_with_it() -> None:
    rows = Rows(kept("old", 1, ends_at=T0), kept("a", 2, delivered_at=1, seen_at=2), kept("b", 3, read_at=1))
    expected = [Item("a", 2, is_delivered=True, is_seen=True), Item("b", 3, is_read=True)]
    assert expected == read(rows).of(USER)
    assert [] == read(rows).of("somebody-else")


def test_a_letter_is_opened_for_its_user() -> None:
    found = read(Rows()).letter(USER, "a")
    assert found is not None
    assert (CONTENT, TASK.request_id) == (found.content, found.request_id)


def test_a_letter_whose_key_was_withdrawn_is_nothing() -> None:
    assert None is read(Rows(letter=replace(LETTER, content=b"withdrawn:x"))).letter(USER, "a")


def test_a_letter_that_is_not_here_is_still_to_come() -> None:
    with pytest.raises(NotCaughtUpError):
        read(Rows(letter=None)).letter(USER, "a")


def test_a_copy_that_is_read_again_answers_nothing() -> None:
    rows = Rows()
    rows.is_read = False
    with pytest.raises(NotCaughtUpError):
        read(rows).of(USER)


@pytest.mark.parametrize(
    ("lag", "expected"),
    [(None, "mailboxes are being read"), (STALE_MS + 1, "nothing was heard of mailboxes"), (STALE_MS, "")],
)
async def test_why_nobody_is_let_in_is_told(lag: int | None, expected: str) -> None:
    rows = Rows()
    rows.lag = lag
    assert expected in (await read(rows).reachable() or "")


def test_rows_of_mailboxes_and_letters_wake_their_users_once() -> None:
    rows = [(MAILBOXES, subject_key("a")), (LETTERS, letter_key("a", "m")), (LETTERS, letter_key("b/c", "m"))]
    assert {"a", "b/c"} == users_in(bytes([table]) + key for table, key in rows)
