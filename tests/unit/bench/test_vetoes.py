"""The bench of vetoes: who asks for what, whose mail is next, and what counts as too late."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.receive import Arrival, Known, receive
from agents.render_channels import message_id
from bench.asked import mail_named, request_id
from bench.product import user_of
from bench.sections import Row
from bench.sinks import ledger_line
from bench.vetoes.changes import SERVICE, asked, planned
from bench.vetoes.overheard import Mails
from bench.vetoes.rows import (
    CANCELLED,
    ERASED,
    REASONS,
    SWITCHED_OFF,
    UNSUBSCRIBED,
    Change,
    Found,
    Mail,
    compared,
    faults,
    rows_of,
)
from bench.vetoes.scenes import Deal, key_of_request
from connectors.http.access import TABLE
from connectors.http.persons import ErasureBody
from connectors.http.preference_forms import Choice, UnsubscribeBody
from connectors.http.send_cancel import CancelBody
from schemas import topics
from schemas.records import SendRequest
from schemas.words import Reason
from tests.fakes import PlainCipher

USER, OTHER = user_of(7), user_of(8)
BODIES: dict[str, Any] = {
    UNSUBSCRIBED: UnsubscribeBody,
    SWITCHED_OFF: Choice,
    CANCELLED: CancelBody,
    ERASED: ErasureBody,
}


@pytest.mark.parametrize("kind", REASONS)
def test_each_change_is_a_request_that_the_product_serves(kind: str) -> None:
    one = asked(kind, USER, request_id(3))
    variables = {"{user_id}": USER, "{id}": request_id(3)}
    paths = [row.path for row in TABLE if row.method == one.method]
    for name, value in variables.items():
        paths = [path.replace(name, value) for path in paths]
    assert one.path in paths
    assert one.body == msgspec.to_builtins(msgspec.convert(one.body, BODIES[kind]))


def test_each_user_changes_one_thing_at_a_steady_rate() -> None:
    counts = {UNSUBSCRIBED: 3, ERASED: 1}
    plan = planned(range(10, 20), counts, rate=4.0)
    assert counts == Counter(one.kind for one in plan)
    assert [10, 11, 12, 13] == [one.user for one in plan]
    assert [0.0, 0.25, 0.5, 0.75] == [one.due_s for one in plan]


def test_a_mail_is_known_by_the_id_that_the_pipeline_gives_it() -> None:
    deal = Deal(1_000, range(5, 8))
    user, value, headers = deal.record(4)
    assert user_of(6) == user
    arrival = Arrival(origin=f"{topics.SEND_REQUEST}/0/1", at=1, now=1, headers=dict(headers))
    request = msgspec.json.decode(value, type=SendRequest)
    taken = receive(request, Known(kind=None, secret=None), arrival, PlainCipher())
    named = mail_named(request_id(1_004), SERVICE, user, key_of_request(1_004))
    assert named == message_id(taken, "email", 0, 0)


def test_next_is_the_first_request_of_the_user_that_was_not_received_or_his_last() -> None:
    deal = Deal(1_000, range(5, 8))
    for place in range(7):
        deal.record(place)
    assert [1_000, 1_003, 1_006, 1_006] == [deal.next_of(5, received) for received in range(4)]
    assert [1_001, 1_004, 1_004] == [deal.next_of(6, received) for received in range(3)]


def test_mails_of_the_sink_are_found_by_their_user(tmp_path: Path) -> None:
    mail = b"From: a@b.test\r\nCarillon-Message-Id: m-1\r\nMIME-Version: 1.0\r\n\r\nCarillon-Message-Id: no"
    ledger = tmp_path / "mails.jsonl"
    ledger.write_bytes(ledger_line(4_711, f"RCPT TO:<{USER}@example.com>".encode(), mail))
    mails = Mails(ledger)
    mails.look()
    assert {USER: [Mail(4_711, "m-1")]} == mails.of


def change(kind: str, user: str, answered_ms: float, message_id: str | None = None) -> Change:
    return Change(kind, user, f"row of {user}".encode(), answered_ms, message_id)


def found(sent: dict[str, list[Mail]], withheld: dict[str, list[Mail]] | None = None, **rows: float) -> Found:
    return Found({f"row of {user}".encode(): at for user, at in rows.items()}, sent, withheld or {})


def test_waits_count_from_the_answer_to_the_row_and_are_never_negative() -> None:
    changes = [change(UNSUBSCRIBED, "a", 100), change(UNSUBSCRIBED, "b", 100), change(UNSUBSCRIBED, "c", 100)]
    (row,) = rows_of("scene", changes, found({}, a=95, b=140))
    assert ("scene", UNSUBSCRIBED, 3, 1) == tuple(
        row[key] for key in ("subject", "kind", "changes", "unknown")
    )
    assert (0.0, 40.0) == (row["p50_ms"], row["p100_ms"])


def test_only_mails_after_the_answer_count_and_late_are_those_after_a_second() -> None:
    mails = {
        "a": [Mail(99, "0"), Mail(150, "1"), Mail(1_100, "2"), Mail(1_101, "3")],
        "b": [Mail(9_999, "4")],
    }
    (row,) = rows_of("scene", [change(UNSUBSCRIBED, "a", 100)], found(mails, a=110))
    assert (3, 1, 1_001.0, 991.0) == tuple(row[key] for key in ("sent", "late", "last_ms", "begun_ms"))


def test_a_cancel_forbids_one_mail_and_an_unsubscribe_all_of_the_user() -> None:
    mails = {"a": [Mail(5_000, "1"), Mail(5_000, "2")], "b": [Mail(5_000, "3"), Mail(5_000, "4")]}
    changes = [change(CANCELLED, "a", 100, "2"), change(UNSUBSCRIBED, "b", 100)]
    rows = rows_of("scene", changes, found(mails, a=110, b=110))
    assert {UNSUBSCRIBED: 2, CANCELLED: 1} == {row["kind"]: row["late"] for row in rows}


def test_withheld_are_mails_that_ended_for_the_reason_of_the_change() -> None:
    ended = {"a": [Mail(200, "1", Reason.UNSUBSCRIBED_CHANNEL), Mail(300, "2", Reason.TYPE_DISABLED)]}
    (row,) = rows_of("scene", [change(UNSUBSCRIBED, "a", 100)], found({}, ended, a=110))
    assert 1 == row["withheld"]


def row(subject: str, **figures: float) -> Row:
    return {"subject": subject, "kind": ERASED, "late": 0, "unknown": 0, "withheld": 1, **figures}


def test_a_p50_is_compared_with_that_of_the_same_change_when_nothing_waits() -> None:
    rows = [
        row("quiet", p50_ms=20.0),
        row("busy", p50_ms=30.0),
        {**row("busy", p50_ms=9.0), "kind": CANCELLED},
    ]
    assert [1.0, 1.5, None] == [one.get("to_quiet") for one in compared(rows, "quiet")]


@pytest.mark.parametrize("wrong", [{"late": 1}, {"unknown": 1}, {"withheld": 0}, {"left": 0}])
def test_a_late_mail_a_change_never_in_force_and_a_run_that_shows_nothing_are_faults(
    wrong: dict[str, float],
) -> None:
    assert [] == faults([row("busy", left=5)], {"busy"})
    assert 1 == len(faults([row("busy", **{"left": 5, **wrong})], {"busy"}))


def test_where_nothing_waits_nothing_need_be_withheld() -> None:
    assert [] == faults([row("quiet", withheld=0, left=0)], {"busy"} - {"busy"})
