"""A consumer as one task sees it: places, queue, breaker."""

from __future__ import annotations

from tables.consumers import FORGOTTEN_MS, MOST_FAILURES, Consumer, key_of, place_of
from tests.messages import T0


def pause(turn: int) -> int:
    return 1000 << turn


def down(consumer: Consumer, now: int = T0) -> Consumer:
    for _ in range(MOST_FAILURES):
        consumer = consumer.called("x", now).ended("x").failed(now, pause)
    return consumer


def test_no_more_calls_are_open_than_its_share() -> None:
    two = Consumer().called("x", T0).called("y", T0)
    assert (True, False) == (two.may_call(T0, 3), two.may_call(T0, 2))
    assert two.ended("x").may_call(T0, 2)


def test_failures_in_a_row_pause_it_and_one_call_then_tries_it() -> None:
    consumer = down(Consumer())
    assert (False, True) == (consumer.may_call(T0 + 999, 8), consumer.may_call(T0 + 1000, 8))
    assert not consumer.called("x", T0 + 1000).may_call(T0 + 1000, 8)


def test_one_answer_among_failures_is_enough_to_go_on() -> None:
    consumer = Consumer()
    for _ in range(3 * MOST_FAILURES):
        consumer = consumer.failed(T0, pause).answered()
    assert Consumer() == consumer


def test_a_try_that_fails_doubles_the_pause_and_calls_begun_before_do_not() -> None:
    consumer = down(Consumer())
    late = consumer.failed(T0 + 500, pause)
    assert consumer.resumes_at == late.resumes_at
    again = late.failed(T0 + 1000, pause)
    assert T0 + 1000 + 2000 == again.resumes_at


def test_an_answer_ends_the_pause() -> None:
    consumer = down(Consumer()).answered()
    assert (0, 0, 0) == (consumer.failures, consumer.pauses, consumer.resumes_at)


def test_the_end_of_a_call_gives_back_its_own_place_and_no_other() -> None:
    consumer = Consumer().called("x", T0).called("y", T0)
    assert {"y": T0} == consumer.ended("x").ended("x").began


def test_a_call_that_never_ends_does_not_keep_its_place_for_ever() -> None:
    stuck = Consumer().called("x", T0).called("y", T0 + 1)
    assert {"x": T0, "y": T0 + 1} == stuck.at(T0 + FORGOTTEN_MS).began
    assert {"y": T0 + 1} == stuck.at(T0 + FORGOTTEN_MS + 1).began


def test_one_timer_at_a_time_looks_for_forgotten_calls() -> None:
    looked = Consumer().called("x", T0).looked(T0)
    assert T0 + FORGOTTEN_MS + 1 == looked.looks_at
    later = looked.ended("x").called("y", T0 + 5)
    assert later == later.looked(T0 + 5)
    assert T0 + 5 + FORGOTTEN_MS + 1 == later.looked(looked.looks_at).looks_at


def test_times_of_a_clock_that_was_ahead_hold_nothing_up() -> None:
    ahead = T0 + 10 * FORGOTTEN_MS
    consumer = down(Consumer(), ahead).called("x", ahead).looked(ahead).at(T0)
    assert (0, 0, {"x": T0}) == (consumer.resumes_at, consumer.looks_at, consumer.began)
    assert down(Consumer()) == down(Consumer()).at(T0)


def test_the_queue_is_the_numbers_between_first_and_after() -> None:
    assert (2, 1) == (Consumer().joined().joined().waiting, Consumer().joined().joined().left().waiting)


def test_rows_of_a_queue_are_in_its_order_and_those_of_two_are_apart() -> None:
    one, other = key_of("a", "bc"), key_of("ab", "c")
    assert one != other
    assert [place_of(one, number) for number in range(300)] == sorted(place_of(one, n) for n in range(300))


def test_what_is_on_timers_counts_as_undelivered_and_never_below_none() -> None:
    consumer = Consumer(first=1, after=3).called("a", 0).postponed().postponed().returned()
    assert 4 == consumer.undelivered
    assert 0 == Consumer().returned().undelivered
