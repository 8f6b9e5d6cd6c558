"""Who sees a label: its time, its filters, what was seen before (CRM-015, CRM-022, AUD-OP-18)."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.records import AudienceLabel, ChosenFilter
from tables.labels import matches, visible
from tables.memberships import Entry

NOW = 1_000
ENTRY = Entry(audience_label="c:x", numbers=[1], ends_at=2_000)
CITY = ChosenFilter(filter_id="city", value_type="string", values=["a", "b"])
NEW = ChosenFilter(filter_id="is_new", value_type="boolean", values=["true"])
TRIPS = ChosenFilter(filter_id="trips", value_type="number", values=["3", "4.5"])
LARGE = ChosenFilter(filter_id="trips", value_type="number", values=[str(2**53 + 1)])
"""As an older version has taken it: no float has this value."""


def label(name: str = "c:x", **changes: Any) -> AudienceLabel:
    given: dict[str, Any] = {
        "campaign_label": "c",
        "communication_id": "x",
        "starts_at": 0,
        "ends_at": 2_000,
        "published_at": 0,
        "updated_at": 0,
        "requests": 1,
        **changes,
    }
    return AudienceLabel(audience_label=name, **given)


def shown(*labels: AudienceLabel, seen: tuple[str, ...] = (), **context: Any) -> list[str]:
    known = {one.audience_label: one for one in labels}
    found = visible([ENTRY], known, context, NOW, seen.__contains__)
    return [one.audience_label for one in found]


def test_an_entry_without_its_label_shows_nothing() -> None:
    assert [] == shown()


@pytest.mark.spec("AUD-OP-15 AUD-116 CRM-014 CRM-OP-05 CRM-015")
@pytest.mark.parametrize(
    ("changes", "is_shown"),
    [
        ({"starts_at": NOW}, True),
        ({"starts_at": NOW + 1}, False),
        ({"ends_at": NOW + 1}, True),
        ({"ends_at": NOW}, False),
        ({"withdrawn_at": 5}, False),
        ({"unfinished": [1]}, False),
        ({"unfinished": [2], "requests": 2}, True),
        ({"requests": 0}, False),
    ],
    ids=str,
)
def test_a_label_shows_in_its_time_and_once_its_request_is_done(changes: Any, *, is_shown: bool) -> None:
    assert (["c:x"] if is_shown else []) == shown(label(**changes))


def test_one_done_request_of_an_entry_is_enough() -> None:
    entry = Entry(audience_label="c:x", numbers=[1, 2], ends_at=2_000)
    known = {"c:x": label(unfinished=[1], requests=2)}
    assert list(known.values()) == visible([entry], known, {}, NOW, lambda _: False)


@pytest.mark.spec("AUD-035 AUD-OP-18 AUD-092 CRM-020 CRM-OP-07 CRM-022")
def test_all_filters_must_match_and_what_is_missing_does_not() -> None:
    one = label(filters=[CITY, TRIPS])
    assert ["c:x"] == shown(one, city="b", trips=3)
    assert [[]] * 3 == [shown(one, city="b"), shown(one, city="b", trips=4), shown(one)]


@pytest.mark.parametrize(
    ("chosen", "value", "does"),
    [
        (CITY, "a", True),
        (CITY, "c", False),
        (CITY, None, False),
        (NEW, True, True),
        (NEW, False, False),
        (NEW, "true", False),
        (NEW, 1, False),
        (TRIPS, 3, True),
        (TRIPS, 3.0, True),
        (TRIPS, 4.5, True),
        (TRIPS, "3", False),
        (ChosenFilter(filter_id="trips", value_type="number", values=["1"]), True, False),
        (LARGE, 2**53 + 1, True),
        (LARGE, 2**53, False),
        (LARGE, float(2**53), False),
    ],
)
def test_a_value_matches_by_its_type_too(chosen: ChosenFilter, value: Any, *, does: bool) -> None:
    assert does == matches(chosen, {chosen.filter_id: value})


@pytest.mark.spec("AUD-OP-23")
def test_a_label_for_everyone_needs_no_entry_and_comes_once() -> None:
    general = label("c", is_for_everyone=True, filters=[CITY], starts_at=5)
    assert ["c:x", "c"] == shown(label(), general, city="a")
    assert ["c:x"] == shown(label(), general, city="z")


@pytest.mark.spec("AUD-053")
def test_what_was_seen_shows_again_only_in_a_test() -> None:
    assert [] == shown(label(), seen=("x",))
    assert ["c:x"] == shown(label(is_test_publication=True), seen=("x",))
