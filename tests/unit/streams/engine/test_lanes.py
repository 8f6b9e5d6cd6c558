"""Lanes of a task: order within each, urgency between them, and a share for all (promise 3, rule 13)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.api import LATER, PASSED_OVER, Event, Input
from streams.engine.lanes import PASSED_MS, Lane, Lanes, Room
from streams.engine.places import SHARE


def records(topic: str, offsets: Iterable[int]) -> list[Event]:
    return [Event(LATER, b"k", n, (), topic, 0, n, b"v") for n in offsets]


def lanes_of(**ranks: int) -> Lanes:
    return Lanes([Lane(Input(name, bytes, rank), TopicPartition(name, 0), 0) for name, rank in ranks.items()])


def feed(lanes: Lanes, **counts: int) -> None:
    for name, count in counts.items():
        tp = TopicPartition(name, 0)
        first = lanes.by_tp[tp].next_fetch
        lanes.feed(tp, records(name, range(first, first + count)))


def handle(lanes: Lanes, events: list[Event]) -> str:
    """Commit what was peeked; first letters of the topics, in order."""
    lanes.advance({TopicPartition(event.topic, 0): event.offset + 1 for event in events})
    return "".join(event.topic[0] for event in events)


def test_what_is_urgent_overtakes_a_backlog_and_leaves_one_place_in_ten_to_it() -> None:
    """Mutations tried: lanes in the order of inputs: fails; no share: fails."""
    lanes = lanes_of(low=2, high=0)
    feed(lanes, low=100_000)
    assert "l" * 500 == handle(lanes, lanes.peek(500))
    feed(lanes, high=36)
    assert ("h" * 9 + "l") * 4 + "l" * 460 == handle(lanes, lanes.peek(500))


def test_each_less_urgent_lane_has_its_own_share() -> None:
    lanes = lanes_of(high=0, normal=1, low=2)
    feed(lanes, high=100, normal=100, low=100)
    assert ("h" * 8 + "nl") * 3 == handle(lanes, lanes.peek(30))


def test_a_share_is_kept_however_a_batch_is_cut() -> None:
    """By the time budget, by the room for effects, by a refused output: the batch may be one record.

    Mutation tried: as it was, a tenth of the limit at the batch's end: budgets that end before, and
    limits below ten, left nothing to the lower lane: fails.
    """
    for limit, taken in ((1, 1), (8, 8), (2000, 25)):
        lanes = lanes_of(high=0, low=1)
        feed(lanes, high=4000, low=4000)
        came = "".join(handle(lanes, lanes.peek(limit)[:taken]) for _ in range(1000 // taken))
        assert 1000 // SHARE == came.count("l")


def test_inputs_of_equal_rank_take_turns() -> None:
    """Mutation tried: equal lanes in the order of inputs (the second waited for the first's end): fails."""
    lanes = lanes_of(a=0, b=0, c=0)
    feed(lanes, a=4, b=2, c=1)
    assert "abcabaa" == handle(lanes, lanes.peek(100))
    feed(lanes, a=100, b=100, c=100)
    came = "".join(handle(lanes, lanes.peek(1)) for _ in range(30))
    assert {"a": 10, "b": 10, "c": 10} == {name: came.count(name) for name in "abc"}


def test_peeking_again_gives_the_same() -> None:
    """A batch that failed comes again: who is to blame for a refused output must not change meanwhile."""
    lanes = lanes_of(high=0, low=1)
    feed(lanes, high=20, low=20)
    handle(lanes, lanes.peek(8))
    first = [(event.topic, event.offset) for event in lanes.peek(3)]
    assert [("high", 8), ("low", 0), ("high", 9)] == first
    assert first == [(event.topic, event.offset) for event in lanes.peek(3)]


def test_a_limit_is_kept() -> None:
    """Found by reading: with a limit of one, each lane gave one.

    Mutation tried: `max(room, 1)` per lane, as it was: fails.
    """
    lanes = lanes_of(high=0, low=1)
    feed(lanes, high=5, low=5)
    assert [0, 1, 2, 10, 10] == [len(lanes.peek(limit)) for limit in (0, 1, 2, 10, 100)]


def passed_over(offset: int) -> Event:
    return Event(PASSED_OVER, b"", 0, (), "in", 0, offset)


def test_of_what_was_passed_over_only_the_last_waits_and_it_is_not_urgent() -> None:
    """A million of bulk would be a thousand transactions. Mutations tried: all kept: fails; urgent: fails."""
    tp = TopicPartition("in", 0)
    lanes = Lanes([Lane(Input("in", bytes, urgent=True, passes=bool, min_interval_ms=0), tp, 0)])
    lane = lanes.by_tp[tp]
    lanes.feed(tp, [passed_over(4), passed_over(9)])
    assert ([9], 10, False, PASSED_MS) == (
        offsets(lane),
        lane.next_fetch,
        lanes.urgent(),
        lanes.interval_ms(25),
    )
    lanes.feed(tp, [*records("in", [10]), passed_over(19)])
    assert ([10, 19], 20, True, 0) == (offsets(lane), lane.next_fetch, lanes.urgent(), lanes.interval_ms(25))
    lanes.feed(tp, records("in", [20]))
    assert [10, 20] == offsets(lane)
    lanes.advance({tp: 21})
    assert ([], 21) == (offsets(lane), lane.next_fetch)


def test_what_is_passed_over_twice_changes_nothing() -> None:
    """Fetched before a seek. Mutation tried: what waits leaves whether or not any is new: fails."""
    tp = TopicPartition("in", 0)
    lanes = Lanes([Lane(Input("in", bytes, passes=bool), tp, 0)])
    lanes.feed(tp, [passed_over(9)])
    lanes.feed(tp, [passed_over(5)])
    assert [9] == offsets(lanes.by_tp[tp])


def offsets(lane: Lane) -> list[int]:
    return [each.offset for each in lane.records]


def test_records_from_before_a_seek_are_left() -> None:
    lanes = lanes_of(high=0)
    tp = TopicPartition("high", 0)
    feed(lanes, high=5)
    lanes.feed(tp, records("high", range(3, 8)))
    assert list(range(8)) == [event.offset for event in lanes.peek(100)]
    assert 8 == lanes.by_tp[tp].next_fetch


def test_the_wait_between_transactions_is_that_of_the_most_urgent_record() -> None:
    """Mutation tried: always the stage's: fails."""
    lanes = Lanes(
        [
            Lane(Input("high", bytes, 0, min_interval_ms=0), TopicPartition("high", 0), 0),
            Lane(Input("low", bytes, 1), TopicPartition("low", 0), 0),
        ]
    )
    assert 25 == lanes.interval_ms(25)
    feed(lanes, low=1)
    assert 25 == lanes.interval_ms(25)
    feed(lanes, high=1)
    assert 0 == lanes.interval_ms(25)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d"]), st.integers(1, 30), st.integers(1, 12), st.integers(0, 12)
        )
    )
)
def test_every_record_comes_once_and_in_order_of_its_lane(steps: list[tuple[str, int, int, int]]) -> None:
    lanes = lanes_of(a=0, b=0, c=1, d=5)
    came: defaultdict[str, list[int]] = defaultdict(list)
    fed: defaultdict[str, int] = defaultdict(int)
    for name, count, limit, taken in steps:
        feed(lanes, **{name: count})
        fed[name] += count
        events = lanes.peek(limit)
        assert min(limit, len(lanes)) == len(events)
        for event in events[:taken]:
            came[event.topic].append(event.offset)
        handle(lanes, events[:taken])
    for event in lanes.peek(10_000):
        came[event.topic].append(event.offset)
    assert {name: list(range(count)) for name, count in fed.items()} == dict(came)


# ---- what is urgent ----


def urgent_lanes() -> Lanes:
    inputs = (Input("high", bytes, 0, urgent=True), Input("normal", bytes, 1), Input("low", bytes, 2))
    return Lanes([Lane(each, TopicPartition(each.topic, 0), 0) for each in inputs])


def inner(count: int) -> list[Event]:
    return [Event(None, b"", 0, (), "", -1, -1) for _ in range(count)]


def letters(events: list[Event]) -> str:
    return "".join(event.topic[:1] or "-" for event in events)


def test_it_is_told_while_something_urgent_waits_until_it_is_committed() -> None:
    lanes = urgent_lanes()
    feed(lanes, low=1, normal=1)
    assert not lanes.urgent()
    feed(lanes, high=1)
    events = lanes.peek(2)
    assert lanes.urgent()
    handle(lanes, events)
    assert not lanes.urgent()


def test_timers_and_results_come_behind_what_is_urgent_and_before_the_rest() -> None:
    """A thousand due timers must not stand before one urgent record, nor it before them for ever.

    Mutation tried: `inner` before all lanes, as it was: fails.
    """
    lanes = urgent_lanes()
    feed(lanes, low=3)
    assert "--lll" == letters(lanes.peek(10, inner(2)))
    feed(lanes, high=20)
    assert "hhhhhhhh-l" * 2 == letters(lanes.peek(20, inner(5)))
    assert "hhhhhhhh-l" * 2 + "hhhh" + "---" + "l" == letters(lanes.peek(100, inner(5)))


def test_a_part_of_the_room_is_kept_for_what_is_urgent() -> None:
    """Each record may open a call; bulk that took all of them would stand before the urgent one.

    Mutations tried: no look at `kept`: fails; places counted for each rank: fails.
    """
    lanes = urgent_lanes()
    feed(lanes, low=20, normal=3)
    assert "nnnl" == letters(lanes.peek(100, room=Room(6, kept=2)))
    feed(lanes, high=20)
    assert "hhhhhh" == letters(lanes.peek(100, room=Room(6, kept=6)))
    assert "hhhhhhhhnlhhhh" == letters(lanes.peek(100, room=Room(14, kept=12)))
    assert "" == letters(lanes.peek(100, room=Room(0, kept=2)))
    assert "--" == letters(lanes.peek(100, inner(2), Room(-1, kept=2)))
