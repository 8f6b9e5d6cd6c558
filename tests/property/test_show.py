"""What a person is shown: a union over his ids, and never what one of them saw."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.show import Published, Shown, for_everyone, is_left, show
from schemas.records import AudienceLabel
from tables.memberships import Entry
from tests.unit.tables.test_labels import CITY, label

NOW = 1_000
NAMES = ["c:a", "c:b", "c:t", "g"]
COMMUNICATIONS = ["x", "y"]
ENTRIES = st.lists(
    st.builds(
        Entry,
        audience_label=st.sampled_from(NAMES),
        numbers=st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True),
        ends_at=st.just(2_000),
    ),
    max_size=4,
    unique_by=lambda entry: entry.audience_label,
)
PEOPLE = st.lists(
    st.tuples(ENTRIES, st.sets(st.sampled_from(COMMUNICATIONS), max_size=2)), min_size=1, max_size=4
)


@st.composite
def labels(draw: st.DrawFn) -> dict[str, AudienceLabel]:
    found = {}
    for name in draw(st.sets(st.sampled_from(NAMES))):
        found[name] = label(
            name,
            communication_id=draw(st.sampled_from(COMMUNICATIONS)),
            starts_at=draw(st.sampled_from([0, NOW, NOW + 1])),
            ends_at=draw(st.sampled_from([NOW, NOW + 1])),
            requests=3,
            unfinished=draw(st.lists(st.sampled_from([1, 2, 3]), unique=True)),
            filters=draw(st.sampled_from([[], [CITY]])),
            is_for_everyone=name == "g",
            is_test_publication=name == "c:t",
        )
    return found


def shown(people: list[Any], known: dict[str, AudienceLabel], context: dict[str, Any]) -> list[Shown]:
    entries = [entry for some, _ in people for entry in some if entry.audience_label != "g"]
    seen = set().union(*(saw for _, saw in people))
    return show(entries, Published(known, for_everyone(known.values(), NOW)), context, NOW, seen.__contains__)


def left(found: list[Shown]) -> set[str]:
    return {one.label.audience_label for one in found if is_left(one)}


@pytest.mark.spec("CRM-OP-06")
@given(PEOPLE, labels(), st.sampled_from([{}, {"city": "a"}, {"city": "z"}]))
def test_the_answer_for_several_ids_is_the_union_without_what_any_of_them_saw(
    people: list[Any], known: dict[str, AudienceLabel], context: dict[str, Any]
) -> None:
    """Mutation tried: a test publication that was seen is dropped, too: fails."""
    whole = shown(people, known, context)
    alone = [shown([one], known, context) for one in people]
    assert {one.label.audience_label for one in whole} == {
        one.label.audience_label for some in alone for one in some
    }
    seen = set().union(*(saw for _, saw in people))
    union = set().union(*(left(some) for some in alone))
    assert left(whole) == {
        name for name in union if known[name].is_test_publication or known[name].communication_id not in seen
    }


@given(PEOPLE, labels(), st.sampled_from([{}, {"city": "a"}]))
def test_each_label_comes_once_and_is_live_and_satisfied(
    people: list[Any], known: dict[str, AudienceLabel], context: dict[str, Any]
) -> None:
    found = [one.label for one in shown(people, known, context)]
    assert len(found) == len({one.audience_label for one in found})
    assert all(one.starts_at <= NOW < one.ends_at for one in found)
    assert all(not one.filters or context for one in found)
    own = {entry.audience_label for some, _ in people for entry in some}
    assert {one.audience_label for one in found} <= own | {"g"}


@given(PEOPLE, labels())
def test_the_order_of_the_ids_makes_no_difference(people: list[Any], known: dict[str, AudienceLabel]) -> None:
    assert shown(people, known, {}) == shown(people[::-1], known, {})
