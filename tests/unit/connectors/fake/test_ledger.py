"""The ledger: what was written can be read, by a checker and by the next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from connectors.fake.desk import Desk
from connectors.fake.judge import Call

if TYPE_CHECKING:
    from pathlib import Path


def take(desk: Desk, key: str, *, channel: str = "sms", recipient: str = "+79161234567") -> str:
    message_id = key.rpartition(":")[0]
    call = Call(channel, "main", recipient, key, message_id)
    return desk.take(call, honours_keys=channel != "email")[1].provider_message_id


def lines(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_line_is_in_the_file_before_the_call_is_answered(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "ledger.jsonl", lambda: 7)
    take(desk, "m-1:2")
    assert lines(tmp_path / "ledger.jsonl") == [
        {
            "seq": 1,
            "at": 7,
            "channel": "sms",
            "account": "main",
            "recipient": "+79161234567",
            "message_id": "m-1",
            "epoch": 2,
            "idempotency_key": "m-1:2",
            "verdict": "accepted",
            "taken": True,
            "repeat": False,
            "answered": True,
            "provider_message_id": "sms-1",
        }
    ]
    desk.close()


def test_repeated_key_is_listed_as_a_repeat_that_took_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "ledger.jsonl", lambda: 7)
    assert take(desk, "m-1:0") == take(desk, "m-1:0")
    desk.close()
    assert [(True, False), (False, True)] == [
        (line["taken"], line["repeat"]) for line in lines(tmp_path / "ledger.jsonl")
    ]


def test_mail_servers_honour_no_keys(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "ledger.jsonl", lambda: 7)
    for _ in range(2):
        take(desk, "m-1:0", channel="email", recipient="anna@example.com")
    desk.close()
    assert [True, True] == [line["taken"] for line in lines(tmp_path / "ledger.jsonl")]


def test_next_run_remembers_and_counts_on_over_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    first = Desk(path, lambda: 7)
    taken = take(first, "m-1:0")
    first.close()
    path.write_bytes(path.read_bytes() + b'{"seq": 2, "at"')
    second = Desk(path, lambda: 8)
    assert taken == take(second, "m-1:0")
    second.close()
    assert b'{"seq":2,"at":8' in path.read_bytes().splitlines()[-1]


def test_call_without_a_key_is_listed_and_never_taken_for_a_repeat() -> None:
    desk = Desk(None, lambda: 7)
    assert take(desk, "") != take(desk, "")
