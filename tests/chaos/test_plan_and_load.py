"""The plan and the lines of a chaos run: drawn from the seed alone, every kind often enough."""

from __future__ import annotations

from collections import Counter

from examples.accounts.reading import message
from tests.chaos.blows import STRIKES
from tests.chaos.load import MixedLoad
from tests.chaos.plan import BROKERS, KINDS, ONCE, VICTIMS, plan


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert plan(1, 10) == plan(1, 10)
    assert plan(1, 10) != plan(2, 10)


def test_ten_minutes_have_five_blows_of_each_kind_and_five_in_each_minute() -> None:
    blows = plan(3, 10)
    assert dict.fromkeys(KINDS, 5) | dict.fromkeys(ONCE, 1) == Counter(blow.kind for blow in blows)
    assert all(count >= 5 for count in Counter(int(blow.at_s // 60) for blow in blows).values())


def test_each_kind_has_its_blow_and_strikes_each_of_its_victims() -> None:
    assert set(KINDS) == set(STRIKES)
    drawn = {(blow.kind, blow.victim) for seed in range(4) for blow in plan(seed, 10)}
    assert {(kind, victim) for kind, victims in VICTIMS.items() for victim in victims} == drawn


def test_a_plan_of_some_kinds_is_the_same_blows_without_the_others() -> None:
    only = ("worker killed", "Postgres killed")
    assert [blow for blow in plan(5, 10) if blow.kind in only] == plan(5, 10, only)


def test_brokers_are_one_victim_so_that_two_of_them_always_stay() -> None:
    struck = {blow.victim for blow in plan(5, 10) if "broker" in blow.kind or "coord" in blow.kind}
    assert {BROKERS} == struck


def test_the_same_seed_draws_the_same_lines() -> None:
    one, other = MixedLoad(6), MixedLoad(6)
    assert one.users() == other.users()
    assert [one.next() for _ in range(200)] == [other.next() for _ in range(200)]
    assert one.questions() == other.questions()


def test_a_hundredth_of_the_lines_is_garbage_and_a_twentieth_are_repeats() -> None:
    load = MixedLoad(7)
    lines = [load.next() for _ in range(20_000)]
    kafka = [line for line in lines if line["to"] == "kafka"]
    bad = [line for line in kafka if message(line) is None]
    known = Counter(id(line) for line in kafka)
    assert 0.007 < len(bad) / len(lines) < 0.013
    assert 0.035 < sum(many - 1 for many in known.values()) / len(kafka) < 0.065


def test_choosers_are_asked_only_at_the_end() -> None:
    load = MixedLoad(8)
    choosers = {line["key"] for line in load.questions()}
    asked = {
        line.get("key") for line in (load.next() for _ in range(5_000)) if line.get("topic") != "user.events"
    }
    assert set() == choosers & asked
