"""What a person may be shown, known by several ids (CRM-015, CRM-022, GEN-OP-08)."""

from __future__ import annotations

from typing import Any

import pytest

from agents.show import Published, Shown, for_everyone, is_left, show
from schemas.records import AudienceLabel, ChosenFilter
from tables.memberships import Entry
from tests.unit.tables.test_labels import label

NOW = 1_000
CITY = ChosenFilter(filter_id="city", value_type="string", values=["a"])


def entry(name: str = "c:x", *numbers: int) -> Entry:
    return Entry(audience_label=name, numbers=list(numbers or (1,)), ends_at=2_000)


def found(entries: list[Entry], *labels: AudienceLabel, seen: tuple[str, ...] = (), **context: Any) -> Any:
    known = {one.audience_label: one for one in labels}
    published = Published(known, for_everyone(known.values(), NOW))
    return show(entries, published, context, NOW, seen.__contains__)


def names(shown: list[Shown]) -> list[str]:
    return [one.label.audience_label for one in shown]


@pytest.mark.spec("CRM-OP-06")
def test_a_label_that_two_ids_have_comes_once() -> None:
    assert ["c:x"] == names(found([entry(), entry()], label()))


def test_a_request_that_brought_it_to_one_of_the_ids_is_enough() -> None:
    """Mutation tried: the last entry instead of both: fails."""
    half = label(unfinished=[2], requests=2)
    assert ["c:x"] == names(found([entry("c:x", 1), entry("c:x", 2)], half))
    assert [] == names(found([entry("c:x", 2), entry("c:x", 2)], half))


@pytest.mark.spec("AUD-OP-08")
def test_labels_of_all_ids_and_of_everyone_come_by_their_start() -> None:
    general = label("g", is_for_everyone=True, starts_at=7, filters=[CITY])
    labels = (label("c:b", starts_at=9), label("c:a", starts_at=8), general, label("c:other"))
    assert ["g", "c:a", "c:b"] == names(found([entry("c:b"), entry("c:a")], *labels, city="a"))
    assert ["c:a", "c:b"] == names(found([entry("c:b"), entry("c:a")], *labels))


def test_what_was_seen_is_told_and_only_a_test_is_left_of_it() -> None:
    own, test = label(), label("c:t", is_test_publication=True, starts_at=5)
    shown = found([entry(), entry("c:t")], own, test, seen=("x",))
    assert [("c:x", True, False), ("c:t", True, True)] == [
        (one.label.audience_label, one.is_seen, is_left(one)) for one in shown
    ]
    assert [True] == [is_left(one) for one in found([entry()], own)]


def test_labels_for_everyone_are_those_that_have_not_ended() -> None:
    labels = (
        label("g", is_for_everyone=True),
        label("later", is_for_everyone=True, starts_at=1_500),
        label("over", is_for_everyone=True, ends_at=NOW),
        label("own"),
    )
    assert ("g", "later") == for_everyone(labels, NOW)
