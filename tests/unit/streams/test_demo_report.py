"""What the demo shows, told from values."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from streams.demo.progress import Goal, Lines, Standing, plain
from streams.demo.report import Report, mail_text, parse, tables

RAW = b"""{"balanced": true, "checks": [["requests", 3, true], ["events", 2, false]],
"outcomes": [["accepted", null, 2], ["skipped", "no_contact", 1]],
"messages": [["email", "failed", "render_failed", 1], ["email", "sent", null, 1],
["sms", "sent", null, 4]],
"dead": [["user.events", 2]], "seen": [["seen.news", 5]], "calls": 6,
"samples": {"mail": "m", "why": null}}"""
GOAL = Goal(requests=3, messages=2, dead=0)


def shown(things: list[Table]) -> str:
    console = Console(file=io.StringIO(), width=100)
    for thing in things:
        console.print(thing)
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def report() -> Report:
    return parse(RAW)


def cells(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if "│" in line
    ]


def test_tables_show_every_count_of_the_report() -> None:
    rows = cells(shown(tables(report())))
    assert ["skipped", "no_contact", "1"] in rows
    assert ["email", "failed", "render_failed", "1"] in rows
    assert ["user.events.dlq", "2"] in rows
    assert ["seen.news", "5"] in rows


def test_messages_are_counted_by_channel_and_status() -> None:
    rows = cells(shown(tables(report())))
    assert ["email", "1", "1"] in rows
    assert ["sms", "0", "4"] in rows


def test_a_check_that_does_not_balance_is_said_aloud() -> None:
    rows = cells(shown(tables(report())))
    assert ["2", "events", "NO"] in rows


def test_a_mail_is_shown_with_its_headers_and_decoded_text() -> None:
    raw = (
        b"From: Carillon <a@b.cd>\r\nTo: c@d.ef\r\nSubject: =?utf-8?b?0JfQsNC60LDQtw==?=\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"0L3QuNC90Lg=\r\n"
    )
    assert "From: Carillon <a@b.cd>\nTo: c@d.ef\nSubject: Заказ\n\nнини" == mail_text(raw)


def test_nothing_is_done_while_a_message_waits() -> None:
    assert not Standing(fed=9, requests=3, messages=2, ended=1).is_done(GOAL)
    assert not Standing(fed=9, requests=2, messages=2, ended=2).is_done(GOAL)
    assert Standing(fed=9, requests=3, messages=2, ended=2).is_done(GOAL)


def test_plain_line_tells_how_far_it_is() -> None:
    expected = "  1.5 s  fed 4/9  requests decided 2/3  messages ended 1/2"
    assert expected == plain(Standing(fed=4, requests=2, messages=2, ended=1), 9, GOAL, 1.5)


def test_without_a_terminal_a_line_comes_every_two_seconds_and_at_the_end() -> None:
    console = Console(file=io.StringIO(), width=100)
    with Lines(console, 9, GOAL) as display:
        for tenth in range(25):
            display.show(Standing(fed=tenth), tenth / 10)
        display.show(Standing(9, 3, 2, 2), 2.5)
    text = console.file
    assert isinstance(text, io.StringIO)
    assert ["0.0", "2.0", "2.5"] == [line.split()[0] for line in text.getvalue().splitlines()]
