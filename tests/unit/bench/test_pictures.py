"""Axes, plots, profiles and the sentences of the load page."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from bench.lines import WIDTH, Axis, Panel, plot
from bench.load.page import conclusion, page
from bench.load.posts import SEEN
from bench.load.profile import shares
from bench.load.steps import HELD
from bench.priority import panels
from bench.results import Entry
from bench.sections import Row
from bench.waits import distribution

STEP: Row = {
    "asked": 1_000.0,
    "rate": 998.0,
    "worker_us": 300.0,
    "broker_us": 100.0,
    "postgres_us": 0.0,
    "rss_mib": 80.0,
    "budget": HELD,
    **distribution(float(n) for n in range(1, 1_001)),
}


@pytest.mark.parametrize(
    ("axis", "value", "share"),
    [
        (Axis("ms", 1, 1_000, log=True), 10, 1 / 3),
        (Axis("ms", 1, 1_000, log=True), 0.1, 0),
        (Axis("%", 0, 100), 25, 0.25),
        (Axis("%", 0, 100), 200, 1),
    ],
)
def test_a_value_has_its_place_on_an_axis(axis: Axis, value: float, share: float) -> None:
    assert share == pytest.approx(axis.share(value))


def test_ticks_are_round_values_on_the_axis() -> None:
    assert [50, 100, 200, 500] == Axis("", 50, 700, log=True).ticks()
    assert [1, 10, 100, 1_000, 10_000, 100_000] == Axis("", 1, 100_000, log=True).ticks()
    assert [0, 25, 50, 75, 100] == Axis("", 0, 100).ticks()


def test_a_plot_is_xml_with_a_line_and_a_name_for_each() -> None:
    panel = Panel("a < b", Axis("x", 1, 10), Axis("y", 1, 10), {"P50": [(1, 1), (10, 10)]}, budget=5)
    picture = ET.fromstring(plot([panel, panel]))  # noqa: S314 - our own
    lines = picture.findall("{*}polyline")
    assert 2 == len(lines)
    assert str(WIDTH - 20) == lines[0].attrib["points"].split()[1].split(",")[0].removesuffix(".0")
    assert {"a < b", "P50"} <= {text.text for text in picture.findall("{*}text")}
    assert "prefers-color-scheme: dark" in plot([])


def test_lanes_are_shown_as_shares_of_what_was_received() -> None:
    rows: list[Row] = [
        {"subject": "flood: high", **distribution([20.0, 30.0])},
        {"subject": "flood: low"},
    ]
    (panel,) = panels(rows)
    assert {"flood: high": [(20.0, 50.0), (30.0, 100.0)]} == panel.lines
    assert (True, 100.0) == (panel.along.log, panel.along.high)


def test_a_profile_counts_a_function_once_in_each_stack() -> None:
    rows = shares(
        [
            "main (a.py:1);loop (b.py:2);work (c.py:3) 3",
            "main (a.py:1);loop (b.py:2);loop (b.py:2) 1",
            "<native> 4",
        ]
    )
    assert [
        {"function": "<native>", "own": 0.5, "whole": 0.5},
        {"function": "c.py: work", "own": 0.375, "whole": 0.375},
        {"function": "b.py: loop", "own": 0.125, "whole": 0.5},
    ] == rows


def test_the_page_derives_cores_and_processes_from_the_last_step_that_held() -> None:
    told = conclusion(SEEN, [STEP, {**STEP, "asked": 1_500.0, "budget": "P95 30 ms"}])
    assert "held at 1,000 requests/s, where the process took 30% of a core" in told
    assert "take 2.0 cores (1.5 for the processes, 0.5 for the broker, 0.0 for the database)" in told
    assert "2 of them without a pause, 3 at 70%" in told
    assert "no step held it" in conclusion(SEEN, [{**STEP, "budget": "P95 30 ms"}])


def test_the_page_has_the_parts_that_were_measured() -> None:
    entry = Entry([STEP], "2026-11-21", {"cores": "2"}, {"seconds": 20.0, "warm": 5.0})
    text = page([SEEN], {"seen": entry})
    assert "| 1,000 | 998 | 500.0 | 950.0 | 990.0 | 1,000.0 |" in text
    assert "where the process spends its time" not in text
