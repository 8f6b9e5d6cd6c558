"""docs/coverage.md is current, and its lists and the ids that tests bear fit together."""

from __future__ import annotations

from collections import Counter

from tests.spec.coverage import PAGE, marked, page, subjects

ITEMS = [item for subject in subjects() for item in subject.items]


def test_the_page_of_coverage_is_the_generated_one() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run: python -m tests.spec"


def test_an_item_stands_once_and_has_one_of_two_priorities() -> None:
    assert {1} == set(Counter(item.item_id for item in ITEMS).values())
    assert {"must", "should"} == {item.priority for item in ITEMS}


def test_tests_bear_ids_of_the_lists_only() -> None:
    """A misspelt id would show nothing."""
    assert set() == set(marked()) - {item.item_id for item in ITEMS}


def test_what_must_be_is_shown_by_a_test_or_says_why_not() -> None:
    tests = marked()
    assert [] == [item.item_id for item in ITEMS if not (item.why or item.item_id in tests)]
