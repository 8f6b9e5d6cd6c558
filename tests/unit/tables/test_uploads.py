"""Uploads: each record of users once, and no more users than were asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import BUCKETS
from schemas.records import LabelCount
from tables.labels import published
from tables.uploads import Spread, Upload, buckets_in, stray_key, strays_prefix
from tests.audiences import T0, asked


def upload(*users: int) -> Upload:
    labels = [(published(None, asked(f"c:{n}", many), "c", T0), many) for n, many in enumerate(users)]
    return Upload.of("r", labels)


@given(st.lists(st.integers(0, 400), max_size=40))
def test_each_place_is_taken_once(places: list[int]) -> None:
    found, taken = upload(1), []
    for place in places:
        after = found.take(place)
        if after is not None:
            found = after
            taken.append(place)
    assert list(dict.fromkeys(places)) == taken


def test_nothing_is_taken_of_what_is_closed_or_has_no_users() -> None:
    assert [None, None] == [Upload.closed("r").take(0), upload(0).take(0)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=9))
def test_counts_never_exceed_what_was_left(told: list[tuple[int, int]]) -> None:
    found, sums = upload(10, 3), 0
    for processed, failed in told:
        found, counted = found.count([LabelCount(audience_label="c:0", processed=processed, failed=failed)])
        sums += sum(one.processed + one.failed for one in counted)
    asked_for = sum(processed + failed for processed, failed in told)
    assert (min(asked_for, 10), 13 - min(asked_for, 10)) == (sums, found.left)


def test_the_rest_is_what_is_left_of_each_label() -> None:
    found, _ = upload(2, 5, 0).count([LabelCount(audience_label="c:1", processed=4)])
    assert [("c:0", 2), ("c:1", 1)] == [(one.audience_label, one.failed) for one in found.rest()]


@given(st.sets(st.integers(0, BUCKETS - 1)))
def test_a_spread_keeps_its_buckets(buckets: set[int]) -> None:
    bits = sum(1 << bucket for bucket in buckets)
    assert sorted(buckets) == list(buckets_in(Spread.of(bits).bits))


def test_strays_lie_in_the_order_of_their_places_behind_their_upload() -> None:
    keys = [stray_key("u", place) for place in (0, 1, 255, 256, 70_000)]
    assert keys == sorted(keys)
    assert not stray_key("u1", 0).startswith(strays_prefix("u"))
