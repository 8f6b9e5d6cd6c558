"""The bench finds a request's mail in the provider's ledger, and counts from when a post was due."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import cast

import msgspec

from agents.receive import Arrival, Known, receive
from agents.render_channels import message_id
from bench.asked import Receipts, mail_id, received, request, waits_ms
from bench.engines.posting import Client, Schedule
from connectors.fake.ledger import Ledger, Line
from schemas import topics
from schemas.records import SendRequest
from tests.fakes import PlainCipher


def test_the_mail_of_a_request_has_the_id_that_the_pipeline_gives_it() -> None:
    _, value, headers = request(4_711, "high")
    arrival = Arrival(origin=f"{topics.SEND_REQUEST}/0/1", at=1, now=1, headers=dict(headers))
    asked = msgspec.json.decode(value, type=SendRequest)
    known = Known(kind=None, secret=None)
    taken = receive(asked, known, arrival, PlainCipher())
    assert mail_id(4_711) == message_id(taken, "email", 0, 0)


def line(number: int, channel: str, at: int) -> Line:
    return Line(
        seq=number,
        at=at,
        channel=channel,
        account="smtp",
        recipient="a@example.com",
        message_id=mail_id(number),
        epoch=0,
        idempotency_key=f"{mail_id(number)}:0",
        verdict="accepted",
        taken=True,
        repeat=False,
        answered=True,
        provider_message_id="email-1",
    )


def test_receipts_are_the_first_mails_of_the_ledger_and_wait_for_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger, receipts = Ledger(path), Receipts(path)
    for each in (line(1, "email", 100), line(1, "email", 105), line(2, "push", 110)):
        ledger.write(each)
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole + msgspec.json.encode(line(3, "email", 120))[:-9])
    receipts.look()
    assert {mail_id(1): 100} == receipts.at
    path.write_bytes(whole + msgspec.json.encode(line(3, "email", 120)) + b"\n")
    receipts.look()
    assert {1: 100, 3: 120} == received(range(10), receipts.at)


def test_a_wait_counts_from_the_requests_own_time_and_is_never_less_than_none() -> None:
    assert [50.0, 0.0] == waits_ms({1: 150, 2: 100}, {1: 100.0, 2: 100.7}.__getitem__)


class Connection:
    """Writes down when what it posts was due."""

    def __init__(self) -> None:
        self.posted: list[float] = []

    def post(self, due: float) -> None:
        self.posted.append(due)


def test_a_post_that_found_no_free_connection_keeps_the_time_at_which_it_was_due() -> None:
    schedule = Schedule(argparse.Namespace(secret="", rate=10.0, warm=0.0, seconds=0.5))
    connection = Connection()
    client = cast("Client", connection)
    schedule._free(client)
    schedule._offer(5.0, 5.25)
    assert [5.0] == connection.posted
    schedule._free(client)
    schedule._free(client)
    assert [5.0, 5.1, 5.2] == connection.posted
    schedule._free(client)
    schedule._offer(5.0, 9.0)
    assert [5.0, 5.1, 5.2, 5.3] == connection.posted
    assert [5.25 - 5.0, 5.25 - 5.1, 5.25 - 5.2, 9.0 - 5.3, 9.0 - 5.4] == schedule.late_s
