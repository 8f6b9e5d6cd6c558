"""A mailbox: what is kept, for how long, in which order, and what acts make of it."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import subject_key
from schemas.mailbox_words import Act
from tables.mailbox import Kept, Mailbox, Terms, letter_key, owner_in

TERMS = Terms(keep_ms=100, most=3)
ACTS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(Act), st.integers(1, 50)))


def filled(*names: str, now: int = 10) -> Mailbox:
    mailbox = Mailbox()
    for name in names:
        mailbox = mailbox.put(name, now, TERMS)
    return mailbox


def names(mailbox: Mailbox) -> list[str]:
    return [one.message_id for one in mailbox.kept]


def test_a_message_has_the_number_of_the_clock_or_the_next_one() -> None:
    assert [10, 11, 50] == [one.number for one in filled("a", "b").put("c", 50, TERMS).kept]


def test_numbers_rise_though_the_clock_goes_back() -> None:
    numbers = [one.number for one in filled("a", now=1_000).put("b", 10, TERMS).kept]
    assert [1_000, 1_001] == numbers


def test_a_message_is_kept_once() -> None:
    mailbox = filled("a")
    assert mailbox is mailbox.put("a", 90, TERMS)


@pytest.mark.spec("NS-CH-OP-09")
def test_the_oldest_goes_for_one_more_and_what_has_ended_goes_before() -> None:
    assert ["b", "c", "d"] == names(filled("a", "b", "c", "d"))
    assert ["c", "d"] == names(filled("a", "b").put("c", 50, TERMS).put("d", 110, TERMS))


def test_the_mailbox_ends_with_its_last_message() -> None:
    assert [0, 150] == [Mailbox().ends_at, filled("a").put("b", 50, TERMS).ends_at]


def test_an_act_takes_the_ones_before_it_along() -> None:
    (kept,) = filled("a").kept
    names = ("delivered_at", "seen_at", "read_at", "archived_at")
    marked = {act: kept.mark(act, 5) for act in Act}
    told = {act: [getattr(one, name) > 0 for name in names] for act, one in marked.items()}
    assert {
        Act.ACK: [True, False, False, False],
        Act.SEEN: [True, True, False, False],
        Act.READ: [True, True, True, False],
        Act.ARCHIVE: [True, True, False, True],
    } == told


def test_an_act_on_what_is_not_here_changes_nothing() -> None:
    mailbox = filled("a").mark("a", Act.READ, 5)
    assert mailbox is mailbox.mark("x", Act.READ, 5)
    assert mailbox is mailbox.mark("a", Act.ACK, 9)


@given(ACTS)
def test_acts_in_any_order_and_with_any_repeats_end_the_same(acts: list[tuple[str, Act, int]]) -> None:
    def after(some: list[tuple[str, Act, int]]) -> list[Kept]:
        mailbox = filled("a", "b")
        for name, act, at in some:
            mailbox = mailbox.mark(name, act, at)
        return mailbox.kept

    expected = after(acts)
    assert expected == after([*acts, *reversed(acts)])
    assert all(expected == after([*some, *acts[3:]]) for some in permutations(acts[:3]))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 400))))
def test_never_more_than_the_limit_each_once_and_by_rising_numbers(puts: list[tuple[int, int]]) -> None:
    mailbox = Mailbox()
    for name, now in puts:
        mailbox = mailbox.put(str(name), now, TERMS)
        numbers = [one.number for one in mailbox.kept]
        assert len(numbers) <= TERMS.most
        assert len(set(names(mailbox))) == len(numbers)
        assert all(first < second for first, second in pairwise(numbers))


def test_a_letter_knows_whose_it_is() -> None:
    assert subject_key("a/b") == owner_in(letter_key("a/b", "m-1"))
