"""The page of a soak tells each series, the load and the verdict; its exit follows the verdicts."""

from __future__ import annotations

from dataclasses import replace

from bench.soak_page import Ran, page, picture
from bench.soak_series import OTHERS, PICTURES, ROLES, SERIES, Look

STILL = {one.name: 10.0 for one in SERIES} | {f"{role}_cores": 0.25 for role in (*ROLES, OTHERS)}
EMPTY = dict.fromkeys(STILL, 0.0)
RAN = Ran(
    measured="2026-01-01",
    machine={"cores": "2"},
    rate=100.0,
    post_rate=10.0,
    feed_s=60.0,
    life_s=6,
    sent=6_000,
    posted=600,
    refused=0,
    looks=[*(Look(float(at), STILL) for at in range(60)), Look(90.0, EMPTY)],
    left={"recipient": 0},
)


def test_a_good_run_is_right_and_says_so() -> None:
    assert RAN.right
    assert "**Nothing grows.**" in page(RAN)


def test_the_page_has_a_row_for_each_series_and_names_load_and_machine() -> None:
    text = page(RAN)
    assert len(SERIES) == sum(line.endswith("| flat |") for line in text.splitlines())
    assert "1.0 minutes at 100 requests/s and 10 seen posts/s (6,000 and 600;" in text
    assert "cores 2" in text
    assert "others 0.25" in text


def test_each_thing_that_is_wrong_makes_the_run_red() -> None:
    growing = [replace(look, values={**look.values, "http_files": look.at}) for look in RAN.looks]
    for wrong in (replace(RAN, refused=1), replace(RAN, left={"status": 2}), replace(RAN, looks=growing)):
        assert not wrong.right
        assert "Something is wrong" in page(wrong)


def test_rows_that_outlived_their_time_are_named() -> None:
    assert "rows that outlived their time: status 2." in page(replace(RAN, left={"status": 2, "seen": 0}))


def test_the_picture_has_every_plot_and_the_end_of_the_feed() -> None:
    drawn = picture(RAN)
    assert sum(map(len, PICTURES.values())) == drawn.count("<polyline")
    assert len(PICTURES) == drawn.count("the feed ends")


def test_every_series_is_in_a_picture() -> None:
    assert {one.name for one in SERIES} <= {key for lines in PICTURES.values() for key in lines.values()}
