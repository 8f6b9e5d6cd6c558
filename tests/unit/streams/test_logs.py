"""Lines of libraries that say the same again and again."""

from __future__ import annotations

import logging

from streams.logs import MOST_ALIKE, WINDOW_S, Repeats

AWAY = "Unable connect to node with id %s: %s"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def line(text: str, *values: object, name: str = "aiokafka.client") -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, text, values, None)


def test_a_line_said_for_each_client_is_written_a_few_times() -> None:
    repeats = Repeats(Clock())
    written = [repeats.filter(line(AWAY, node, "refused")) for node in range(100)]
    assert [True] * MOST_ALIKE + [False] * (100 - MOST_ALIKE) == written


def test_the_next_window_tells_how_many_were_left_out() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    for node in range(MOST_ALIKE + 7):
        repeats.filter(line(AWAY, node, "refused"))
    clock.now = WINDOW_S
    later = line(AWAY, 1, "refused")
    assert repeats.filter(later)
    assert "Unable connect to node with id 1: refused (7 more like this in 10 s)" == later.getMessage()


def test_nothing_is_told_when_nothing_was_left_out() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    repeats.filter(line(AWAY, 1, "refused"))
    clock.now = WINDOW_S
    later = line(AWAY, 2, "100% gone")
    assert repeats.filter(later)
    assert "Unable connect to node with id 2: 100% gone" == later.getMessage()


def test_other_lines_and_other_loggers_are_not_held_back() -> None:
    repeats = Repeats(Clock())
    for node in range(100):
        repeats.filter(line(AWAY, node, "refused"))
    assert repeats.filter(line("Heartbeat failed"))
    assert repeats.filter(line(AWAY, 1, "refused", name="aiokafka.cluster"))
