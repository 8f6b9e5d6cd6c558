"""The books balance when all is there once, and name the id of what is missing, repeated or different."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from examples.accounts.compare import Check, compare
from examples.accounts.decide import Message
from examples.accounts.erased import NOBODY
from examples.accounts.expected import Expected
from examples.accounts.found import Call, Found, MessageRow, RequestRow, Task, Told

KEY = ("shop", "u1", "k1")
SKIPPED = ("shop", "u2", "k2")


def expected() -> Expected:
    return Expected(
        endings={KEY: Counter({("accepted", None): 1}), SKIPPED: Counter({("skipped", "no_contact"): 1})},
        lanes={KEY: "high"},
        named={"r1": KEY},
        messages={KEY: [Message("email", "a@b.cd", ("reached", None))]},
        dead={("user.events", 7)},
        seen={"seen.news": Counter({"fact": 1})},
        left=[("u3", "email")],
    )


def found() -> Found:
    return Found(
        requests=[
            RequestRow("r1", KEY, "high", "accepted", None),
            RequestRow("r2", SKIPPED, "normal", "skipped", "no_contact"),
        ],
        messages=[MessageRow("m1", "r1", "email", "sent", None)],
        logs=Counter({("m1", "pending"): 1, ("m1", "sent"): 1}),
        tasks=[Task("m1", KEY, "email")],
        told=[
            Told("sent", "m1", KEY, "email", None),
            Told("skipped", "r2", SKIPPED, None, "no_contact"),
            Told("unsubscribed", "c1", ("", "u3", ""), "email", None),
        ],
        stats=Counter({"sent": 1, "skipped": 1, "unsubscribed": 1}),
        dead=Counter({("user.events", 7): 1}),
        seen={"seen.news": Counter({"fact": 1})},
        calls=[
            Call("m1", "email", "a@b.cd", "unavailable", False),
            Call("m1", "email", "a@b.cd", "accepted", True),
        ],
    )


def differing(have: Found) -> list[Check]:
    return [check for check in compare(expected(), have) if check.wanted != check.got]


def test_books_balance_when_everything_is_there_once() -> None:
    assert not differing(found())


def test_lost_request_is_named() -> None:
    have = found()
    have.requests.pop()
    assert [("shop", "u2", "k2", "skipped", "no_contact")] == differing(have)[0].missing


def test_other_reason_is_missing_and_surplus() -> None:
    have = found()
    have.requests[1] = replace(have.requests[1], reason="no_consent")
    check = differing(have)[0]
    assert [("shop", "u2", "k2", "skipped", "no_contact")] == check.missing
    assert [("shop", "u2", "k2", "skipped", "no_consent")] == check.surplus


def test_request_id_that_the_producer_gave_must_stay() -> None:
    have = found()
    have.requests[0] = replace(have.requests[0], request_id="other")
    have.messages[0] = replace(have.messages[0], request_id="other")
    assert [[("r1", *KEY)]] == [check.missing for check in differing(have)]


@pytest.mark.parametrize("name", ["messages", "tasks", "told", "calls"])
def test_one_more_of_anything_is_surplus(name: str) -> None:
    have = found()
    getattr(have, name).append(getattr(have, name)[-1])
    assert any(check.surplus for check in differing(have))


@pytest.mark.parametrize("name", ["messages", "tasks", "told", "calls", "requests"])
def test_one_less_of_anything_is_missing(name: str) -> None:
    have = found()
    getattr(have, name).pop()
    assert any(check.missing for check in differing(have))


def test_mail_to_another_address_is_found() -> None:
    have = found()
    have.calls[1] = replace(have.calls[1], recipient="x@b.cd")
    assert [[(*KEY, "email", "a@b.cd")]] == [check.missing for check in differing(have)]


def test_status_that_the_provider_did_not_say_is_found() -> None:
    have = found()
    have.messages[0] = replace(have.messages[0], status="delivered")
    assert ("m1", "delivered") in [each for check in differing(have) for each in check.missing]


def test_smtp_cannot_know_of_a_delivery() -> None:
    have = found()
    have.calls[1] = replace(have.calls[1], verdict="delivered")
    assert not differing(have)


def test_status_logged_twice_is_found() -> None:
    have = found()
    have.logs["m1", "sent"] += 1
    assert [[("m1", "sent")]] == [check.surplus for check in differing(have)]


def test_statistics_must_agree_with_the_events() -> None:
    have = found()
    have.stats["sent"] += 1
    assert [["sent"]] == [check.surplus for check in differing(have)]


def test_dead_letter_of_another_line_is_found() -> None:
    have = found()
    have.dead = Counter({("user.events", 8): 1})
    check = differing(have)[0]
    assert ([("user.events", 7)], [("user.events", 8)]) == (check.missing, check.surplus)


def test_fact_in_a_topic_nobody_expects_is_found() -> None:
    have = found()
    have.seen["seen.other"] = Counter({"fact": 1})
    assert [["fact"]] == [check.surplus for check in differing(have)]


def test_rows_of_a_deleted_user_are_nobodys_with_or_without_his_id() -> None:
    """Mutation: `nameless` leaves the keys as they are."""
    wanted, have = expected(), found()
    wanted.deleted = {"u2"}
    nobody = ("shop", NOBODY, "")
    row, told = have.requests[1], have.told[1]
    erased = replace(
        have,
        requests=[have.requests[0], replace(row, key=nobody)],
        told=[have.told[0], replace(told, key=nobody), have.told[2]],
    )
    for one in (have, erased):
        assert all(check.wanted == check.got for check in compare(wanted, one))
    lost = replace(erased, requests=have.requests[:1])
    assert ["requests by source, user and key (Postgres)"] == [
        check.name for check in compare(wanted, lost) if check.wanted != check.got
    ]
