"""Limits by a clock that the test moves."""

from __future__ import annotations

import pytest

from connectors.http.limits import PER_ADDRESS, PER_USER, Limit, Limits, counted_address
from connectors.http.quotas import Quotas
from streams.settings import load_settings


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


def limits(clock: Clock, remember: int = 10) -> Limits:
    return Limits(clock, Limit("user", 4), Limit("address", 2), remember)


def test_a_minutes_worth_may_come_at_once_and_then_one_each_turn() -> None:
    clock = Clock()
    limit = limits(clock)
    at_once = [limit("user:1", None) is None for _ in range(6)]
    clock.now += 15_000
    later = [limit("user:1", None) is None for _ in range(2)]
    assert ([True] * 4 + [False] * 2, [True, False]) == (at_once, later)


@pytest.mark.spec("NS-SEC-OP-04")
def test_refusal_says_when_the_next_one_passes() -> None:
    clock = Clock()
    limit = limits(clock)
    for _ in range(4):
        limit("user:1", None)
    clock.now += 4_500
    assert limit("user:1", None) == {
        "Retry-After": "11",
        "RateLimit": '"user";r=0;t=11',
        "RateLimit-Policy": '"user";q=4;w=60',
    }
    clock.now += 11_000
    assert limit("user:1", None) is None


@pytest.mark.spec("NS-SEC-012")
def test_users_do_not_count_for_their_address_and_strangers_do() -> None:
    limit = limits(Clock())
    users = [limit(f"user:{number}", "10.0.0.1") is None for number in range(4)]
    strangers = [limit(None, "10.0.0.1") is None for _ in range(3)]
    unknown = [limit(None, None) is None for _ in range(9)]
    assert ([True] * 4, [True, True, False], [True] * 9) == (users, strangers, unknown)


def test_memory_is_bounded_and_forgets_who_was_away_longest() -> None:
    limit = limits(Clock(), remember=2)
    for _ in range(4):
        limit("user:1", None)
    for number in (2, 3):
        limit(f"user:{number}", None)
    assert (limit("user:1", None), len(limit._buckets)) == (None, 2)


def test_what_is_given_back_was_never_spent() -> None:
    limit = limits(Clock())
    callers: list[tuple[str | None, str | None]] = [("user:1", None), (None, "10.0.0.1")]
    for user, address in callers:
        assert limit(user, address, 10) is None
        limit.give_back(user, address, 10)
        assert limit(user, address) is None
    limit.give_back(None, None)
    limit.give_back("user:9", None)
    assert 2 == len(limit._buckets)


def test_a_batch_passes_if_one_would_and_is_paid_back_before_the_next() -> None:
    clock = Clock()
    limit = limits(clock)
    first = limit("user:1", None, 10) is None
    waits = []
    while (refused := limit("user:1", None)) is not None:
        waits.append(int(refused["Retry-After"]))
        clock.now += waits[-1] * 1000
    assert (True, [105]) == (first, waits)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("[2001:db8::1]", "2001:db8::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_one_client_has_all_addresses_of_its_network(address: str, expected: str) -> None:
    assert expected == counted_address(address)


@pytest.mark.spec("NS-SEC-OP-04")
def test_limits_unless_the_settings_say_otherwise_are_those_of_the_specification() -> None:
    asked = load_settings().http.limits
    assert (60, 300) == (asked.per_user, asked.per_address)
    assert (asked.per_user, asked.per_address) == (Quotas().per_user, Quotas().per_address)
    assert (120, 6_000) == (PER_USER.per_minute, PER_ADDRESS.per_minute)
