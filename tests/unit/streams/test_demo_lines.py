"""Lines of the demo's input file as Kafka records and HTTP posts."""

from __future__ import annotations

from typing import Any

import orjson

from streams.demo.lines import Line, Post, Produced, parse

NOON = 1_747_828_800_000  # 2025-05-21T12:00:00Z


def kafka(**changed: Any) -> Line:
    given = {
        "phase": 1,
        "to": "kafka",
        "topic": "user.events",
        "key": "u",
        "headers": {"source": "a"},
        "value": {"b": 1},
    }
    return Line(7, given | changed)


def test_lines_are_numbered_from_one() -> None:
    texts = [b'{"phase": 1, "to": "kafka"}\n', b'{"phase": 2, "to": "http"}\n']
    found = [(line.number, line.phase, line.is_post) for line in parse(texts)]
    assert [(1, 1, False), (2, 2, True)] == found


def test_record_carries_its_line_number_as_a_header() -> None:
    expected = Produced("user.events", b"u", b'{"b":1}', [("source", b"a"), ("line", b"7")])
    assert expected == kafka().record(NOON)


def test_record_without_key_has_none() -> None:
    assert kafka(key=None).record(NOON).key is None


def test_raw_text_is_sent_as_it_is() -> None:
    assert b"{" == kafka(raw="{").record(NOON).value


def test_scheduled_time_counts_from_the_feeding() -> None:
    value = orjson.loads(kafka(scheduled_in_s=4).record(NOON).value)
    assert {"b": 1, "scheduled_at": "2025-05-21T12:00:04Z"} == value


def test_post_gets_the_secret_of_the_installation() -> None:
    headers = {"X-Gateway-Secret": "$gateway_secret", "X-User-Id": "u"}
    given = {"phase": 3, "to": "http", "path": "/seen", "headers": headers, "body": {"tag": "t"}}
    expected = Post("/seen", {"X-Gateway-Secret": "hush", "X-User-Id": "u"}, b'{"tag":"t"}')
    assert expected == Line(1, given).post("hush")
