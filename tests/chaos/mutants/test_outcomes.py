"""When a mutant counts as caught."""

from __future__ import annotations

from msgspec.structs import replace

from tests.chaos.mutants.outcomes import Came, Difference, is_caught, is_green

BALANCED = Came("killed", "", 1.0, 1, [], ["a blow"], [], [], [])
LOST = Difference("lanes (Postgres)", 3, 0, [])
REPEATED = Difference("seen facts (seen.wallet)", 0, 1, [])
MOVING = ["still moving after 150 s"]


def test_books_that_balance_catch_nothing() -> None:
    assert not is_caught(BALANCED)


def test_what_is_missing_after_all_has_come_to_its_end_is_lost() -> None:
    assert is_caught(replace(BALANCED, differences=[LOST]))


def test_what_is_missing_while_something_moves_may_come() -> None:
    assert not is_caught(replace(BALANCED, differences=[LOST], problems=MOVING))


def test_what_is_repeated_stays_repeated() -> None:
    assert is_caught(replace(BALANCED, differences=[LOST, REPEATED], problems=MOVING))


def test_a_course_is_green_only_if_its_blows_had_an_effect_and_nobody_fell() -> None:
    assert is_green(BALANCED)
    assert not is_green(replace(BALANCED, idle=["a blow"]))
    assert not is_green(replace(BALANCED, fallen=["worker-a"]))
    assert not is_green(replace(BALANCED, differences=[LOST]))
