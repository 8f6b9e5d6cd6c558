"""The books of mails on a detour balance when nothing is wrong, and name what is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.detour.books import Books, Mail, Receipt, Setback, balance
from bench.detour.found import receipts

BY_FIRST = Mail("m1", "k1", "sent", "first")
BY_RESERVE = Mail("m2", "k2", "sent", "reserve")
UNHEARD = Setback("m2", "unknown", "first", "answer_hidden", 20.0)
SOUND = Books(
    asked=["k1", "k2"],
    mails=[BY_FIRST, BY_RESERVE],
    receipts=[Receipt("first", "m1", 10.0), Receipt("reserve", "m2", 30.0)],
    setbacks=[Setback("m2", "retrying", "first", "provider_unavailable", 20.0)],
)
REPEATED = Receipt("first", "m2", 19.0)


def wrong(books: Books) -> dict[str, list[str]]:
    return {name: ids for name, ids in balance(books).items() if ids}


def test_every_mail_received_once_is_sound() -> None:
    assert {} == wrong(SOUND)
    assert 0 == SOUND.repeats == SOUND.unheard


def test_a_repeat_that_is_listed_at_its_provider_is_sound() -> None:
    books = replace(SOUND, receipts=[*SOUND.receipts, REPEATED], setbacks=[UNHEARD])
    assert {} == wrong(books)
    assert 1 == books.repeats == books.unheard


def test_an_unheard_attempt_that_did_not_arrive_is_sound() -> None:
    assert {} == wrong(replace(SOUND, setbacks=[UNHEARD]))


@pytest.mark.parametrize(
    "listed",
    [[], [replace(UNHEARD, status="retrying")], [replace(UNHEARD, provider="reserve")]],
    ids=["not", "only as failed", "elsewhere"],
)
def test_a_repeat_is_red_unless_listed_as_unheard_at_its_provider(listed: list[Setback]) -> None:
    books = replace(SOUND, receipts=[*SOUND.receipts, REPEATED], setbacks=listed)
    assert {"receipts repeated and not listed": ["m2 at first"]} == wrong(books)


def test_one_line_lists_one_repeat() -> None:
    books = replace(SOUND, receipts=[*SOUND.receipts, REPEATED, REPEATED], setbacks=[UNHEARD])
    assert {"receipts repeated and not listed": ["m2 at first"]} == wrong(books)


def test_a_mail_that_nobody_received_is_lost_whatever_its_row_says() -> None:
    assert {
        "mails lost": ["m2"],
        "mails sent by one who has not received them": ["m2"],
    } == wrong(replace(SOUND, receipts=SOUND.receipts[:1]))


def test_a_request_without_a_row_is_red_and_so_is_its_mail() -> None:
    assert {
        "requests without a mail": ["k2"],
        "mails received and not in the rows": ["m2"],
        "receipts repeated and not listed": ["m2 at reserve"],
    } == wrong(replace(SOUND, mails=[BY_FIRST]))


def test_a_second_mail_of_a_request_and_one_that_nobody_asked_for_are_red() -> None:
    second, foreign = Mail("m3", "k1", "sent", "first"), Mail("m4", "k9", "sent", "first")
    books = replace(
        SOUND,
        mails=[*SOUND.mails, second, foreign],
        receipts=[*SOUND.receipts, Receipt("first", "m3", 40.0), Receipt("first", "m4", 40.0)],
    )
    assert {"mails beyond one for each request": ["k1", "k9"]} == wrong(books)


def test_a_row_that_does_not_say_sent_or_names_another_provider_is_red() -> None:
    assert {
        "mails not ended as sent": ["m2"],
        "receipts repeated and not listed": ["m2 at reserve"],
    } == wrong(replace(SOUND, mails=[BY_FIRST, replace(BY_RESERVE, status="failed")]))
    assert {
        "mails sent by one who has not received them": ["m2"],
        "receipts repeated and not listed": ["m2 at reserve"],
    } == wrong(replace(SOUND, mails=[BY_FIRST, replace(BY_RESERVE, provider="first")]))


def test_a_line_that_a_kill_has_cut_is_no_receipt(tmp_path: Path) -> None:
    line = b'{"at":7,"channel":"email","provider":"first","message_id":"m1"}\n'
    (tmp_path / "ledger.jsonl").write_bytes(line + line[:-9])
    assert [Receipt("first", "m1", 7)] == receipts(tmp_path / "ledger.jsonl")
