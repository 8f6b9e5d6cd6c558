"""One connection's memory: everything once, nothing lost, whatever happens in between."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http.mailbox.frames import Counts
from connectors.http.mailbox.line import Line, News
from connectors.http.mailbox.ports import Item

A, B, C = (Item(name, number) for name, number in (("a", 10), ("b", 11), ("c", 20)))


def names(news: News) -> list[str]:
    return [one.message_id for one in news.fresh]


def told(line: Line, items: list[Item]) -> list[str]:
    """What is new, all of which is sent."""
    fresh = line.news(items).fresh
    for one in fresh:
        line.told(one)
    return [one.message_id for one in fresh]


@pytest.mark.spec("NS-CH-OP-09")
def test_without_a_cursor_what_nobody_confirmed_is_sent() -> None:
    assert ["a", "c"] == names(Line(None).news([A, B._replace(is_delivered=True), C]))


@pytest.mark.parametrize(("cursor", "expected"), [(0, ["a", "b", "c"]), (10, ["b", "c"]), (20, []), (99, [])])
def test_with_a_cursor_what_came_after_it_is_sent(cursor: int, expected: list[str]) -> None:
    """Confirmed by another device or not. Mutations: from the cursor on; only what nobody confirmed."""
    known = [one._replace(is_delivered=True) for one in (A, B, C)]
    assert expected == names(Line(cursor).news(known))


def test_what_is_archived_is_not_sent() -> None:
    assert ["a"] == names(Line(0).news([A, B._replace(is_archived=True)]))


def test_what_was_sent_is_not_sent_again_and_what_comes_is() -> None:
    line = Line(None)
    assert [["a"], [], ["b"]] == [told(line, items) for items in ([A], [A], [A, B])]


@pytest.mark.parametrize("cursor", [None, 0])
def test_what_was_not_sent_yet_is_asked_for_again(cursor: int | None) -> None:
    """Mutation: what is asked for counts as sent."""
    line = Line(cursor)
    (first, _) = line.news([A, B]).fresh
    line.told(first)
    assert ["b"] == told(line, [A._replace(is_delivered=True), B._replace(is_delivered=True)])


def test_a_message_that_was_confirmed_elsewhere_before_it_is_told_is_sent_here_too() -> None:
    line = Line(None)
    line.news([])
    assert ["a"] == names(line.news([A._replace(is_delivered=True)]))


def test_what_becomes_of_a_message_is_told_once() -> None:
    line, seen = Line(0), A._replace(is_delivered=True, is_seen=True)
    changed = [line.news(items).changed for items in ([A], [A._replace(is_delivered=True)], [seen], [seen])]
    assert [[], [], [seen], []] == changed


def test_who_comes_back_hears_how_what_he_has_stands() -> None:
    read = A._replace(is_read=True)
    assert ([read], ["c"]) == (
        (news := Line(11).news([read, B, C])).changed,
        names(news),
    )


def test_what_a_copy_that_was_behind_learns_at_once_of_what_the_client_has_is_told() -> None:
    """Its message and the click of another device were read together. Mutation: it counts as known."""
    line, read = Line(11), B._replace(is_read=True)
    line.news([A])
    assert ([read], []) == ((news := line.news([A, read])).changed, names(news))


def test_what_left_the_mailbox_is_told() -> None:
    line = Line(0)
    line.news([A, B])
    assert ["a"] == line.news([B]).gone


def test_counts_are_told_when_they_change() -> None:
    line, read = Line(0), A._replace(is_seen=True, is_read=True)
    counts = [line.news(items).counts for items in ([], [], [A, B], [read, B], [read, B])]
    assert [
        Counts(total=0, unseen=0, unread=0),
        None,
        Counts(total=2, unseen=2, unread=2),
        Counts(total=2, unseen=1, unread=1),
        None,
    ] == counts


@dataclass
class Client:
    """A client that keeps what it gets, and its cursor."""

    cursor: int = 0
    got: list[str] = field(default_factory=list)
    line: Line = field(default_factory=lambda: Line(0))

    def look(self, mailbox: list[Item], take: int) -> None:
        """Of what is told it gets the first few before the connection breaks; without a break all of it."""
        fresh = self.line.news(mailbox).fresh
        for one in fresh[:take]:
            self.line.told(one)
            self.got.append(one.message_id)
            self.cursor = one.number
        if take < len(fresh):
            self.line = Line(self.cursor)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5))))
def test_over_any_breaks_a_client_gets_every_message_once_and_in_order(steps: list[tuple[int, int]]) -> None:
    """Mutation: the line counts from the newest message there is, not from what was sent."""
    mailbox: list[Item] = []
    client = Client()
    for more, take in steps:
        first = len(mailbox)
        mailbox += [Item(str(number), number + 1) for number in range(first, first + more)]
        client.look(mailbox, take)
    client.line = Line(client.cursor)
    client.look(mailbox, len(mailbox))
    assert [one.message_id for one in mailbox] == client.got
