"""Figures of mails on a detour: which phase a mail is of, what is a detour, and when a run proves nothing."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from bench.detour.books import Books, Mail, Receipt, Setback
from bench.detour.figures import Told, panels, rows, ways, without_effect
from bench.detour.page import page
from bench.detour.run import Ran
from bench.detour.scene import PAUSE_MS, pause_of
from bench.lines import plot

NAMES = ["works", "is dead", "is back"]
MAILS = {
    "m1": ("first", 100.0, 110.0),
    "m2": ("reserve", 1_100.0, 1_190.0),
    "m3": ("reserve", 1_200.0, 1_210.0),
    "m4": ("first", 2_100.0, 2_400.0),
}
"""Message → who received it, when it was asked for, and when received, ms; a second for each phase."""
SETBACKS = [
    Setback("m2", "retrying", "first", "provider_unavailable", 1_150.0),
    Setback("m4", "retrying", "first", "provider_limited", 2_150.0),
]
TOLD = Told(
    Books(
        asked=list(MAILS),
        mails=[Mail(one, one, "sent", provider) for one, (provider, _, _) in MAILS.items()],
        receipts=[Receipt(provider, one, at) for one, (provider, _, at) in MAILS.items()],
        setbacks=SETBACKS,
    ),
    NAMES,
    "first",
    {one: asked for one, (_, asked, _) in MAILS.items()},
    {"m1": 105.0, "m2": 1_140.0, "m4": 2_140.0},
    (0.0, 1_000.0, 2_000.0),
)
RAN = Ran("2026-11-22", {"cores": "2"}, 4, 2.0, 30_000, 1.5, TOLD, ways(TOLD))


def test_a_mail_belongs_to_the_phase_in_which_it_was_asked_for() -> None:
    found = rows(TOLD, ways(TOLD))
    assert [*NAMES, "all"] == [row["phase"] for row in found]
    assert [1, 2, 1, 4] == [row["mails"] for row in found]
    assert [1, 0, 1, 2] == [row["by_first"] for row in found]
    assert [1.0, 2.0, 2.5] == [row["rate"] for row in found[:3]]
    assert [10.0, 90.0, 300.0, 300.0] == [row["p100_ms"] for row in found]


def test_a_detour_is_from_the_intent_at_the_first_to_the_receipt_of_the_reserve() -> None:
    assert [None, 50.0, None, None] == [way.detour_ms for way in ways(TOLD)]
    assert [5.0, None, None, None] == [way.straight_ms for way in ways(TOLD)]
    found = rows(TOLD, ways(TOLD))
    assert [0, 1, 0, 1] == [row["detours"] for row in found]
    assert 50.0 == found[1]["detour_p99_ms"]
    assert "detour_p99_ms" not in found[0]
    assert [0, 0, 1, 1] == [row["limited"] for row in found]


def test_of_a_mail_received_twice_the_first_receipt_counts() -> None:
    books = replace(TOLD.books, receipts=[Receipt("reserve", "m1", 500.0), *TOLD.books.receipts])
    assert ways(TOLD) == ways(replace(TOLD, books=books))


def test_a_run_without_effect_is_red() -> None:
    assert [] == without_effect(TOLD, ways(TOLD))
    calm = replace(TOLD, books=replace(TOLD.books, setbacks=[]))
    assert [
        "the reserve took no mail that the first had failed",
        "the first refused no mail for its limit",
    ] == without_effect(calm, ways(calm))
    never_back = ways(TOLD)[:3]
    assert "the first took no mail once it was back" in without_effect(TOLD, never_back)
    assert {} == RAN.wrong
    assert ["no effect"] == list(replace(RAN, told=calm, ways=ways(calm)).wrong)


def test_the_page_says_what_is_wrong() -> None:
    assert "**None lost, none repeated without being listed. 4 receipts of 4 mails" in page(RAN)
    lost = replace(TOLD, books=replace(TOLD.books, receipts=TOLD.books.receipts[:3]))
    assert "**Red: mails lost: 1;" in page(replace(RAN, told=lost))


def test_the_picture_has_two_plots() -> None:
    picture = ET.fromstring(plot(panels(TOLD, ways(TOLD))))  # noqa: S314 - our own
    assert 5 == len(picture.findall("{*}polyline"))


def test_a_short_scene_has_short_pauses() -> None:
    assert PAUSE_MS == pause_of(100_000, 100.0)
    assert 300 == pause_of(500, 50.0)
