"""Devices of a user: the newest word on each holds, silence ends them, and there are never too many."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tables.devices import DAY_MS, MOST_DEVICES, Devices, DeviceTerms, KnownDevice

TERMS = DeviceTerms(stale_ms=270 * DAY_MS, forget_ms=90 * DAY_MS)
T0 = 1_800_000_000_000


def device(name: str = "a", at: int = T0, **changes: object) -> KnownDevice:
    known = KnownDevice(
        device_id=name,
        platform="ios",
        token=name.encode(),
        token_hash=name,
        created_at=at,
        used_at=at,
        changed_at=at,
    )
    return replace(known, **changes)


def active(devices: Devices, now: int = T0) -> list[str]:
    return [one.device_id for one in devices.active(now, TERMS)]


def test_a_device_that_registers_again_keeps_its_birth_and_is_on() -> None:
    off = Devices().register(device()).switch("a", T0 + 1, is_active=False)
    assert [] == active(off)
    again = off.register(device(at=T0 + 2))
    assert [device(at=T0 + 2, created_at=T0)] == again.known


def test_an_older_word_never_undoes_a_newer_one() -> None:
    """Mutation: no look at `changed_at`: a registration that came late would bring a refused token back."""
    off = Devices().register(device()).switch("a", T0 + 2, is_active=False)
    assert off == off.register(device(at=T0 + 1))
    on = Devices().register(device(at=T0 + 2))
    assert on == on.switch("a", T0 + 1, is_active=False)


def test_only_the_device_that_is_meant_is_switched() -> None:
    two = Devices().register(device("a")).register(device("b"))
    assert ["b"] == active(two.switch("a", T0, is_active=False))
    assert two == two.switch("c", T0, is_active=False)


def test_a_token_that_moved_is_off_even_if_somebody_switched_it_on_since() -> None:
    """Mutation: `take` looks at `changed_at`: pushes for one person would reach the next owner's screen."""
    on = Devices().register(device()).switch("a", T0 + 1, is_active=False).switch("a", T0 + 5, is_active=True)
    assert [] == active(on.take("a", T0 + 3))
    assert ["a"] == active(on.register(device(at=T0 + 6)).take("a", T0 + 3))


def test_beyond_the_most_the_one_silent_for_longest_makes_room_first_of_those_that_are_off() -> None:
    full = Devices()
    for number in range(MOST_DEVICES):
        full = full.register(device(str(number), T0 + number))
    more = full.register(device("new", T0 + DAY_MS))
    assert (MOST_DEVICES, None) == (len(more.known), more.find("0"))
    spared = full.switch("7", T0 + DAY_MS, is_active=False).register(device("new", T0 + DAY_MS))
    assert (None, True) == (spared.find("7"), spared.find("0") is not None)


def test_a_list_registers_what_is_new_in_it_and_switches_off_what_left_it() -> None:
    first = Devices().restate([device("a", is_listed=True), device("b", is_listed=True)], T0)
    second = first.restate([device("b", T0 + 1, is_listed=True), device("c", T0 + 1, is_listed=True)], T0 + 1)
    assert ["b", "c"] == active(second)
    assert second == second.restate([], T0)


def test_a_list_leaves_alone_what_it_never_named() -> None:
    own = Devices().register(device("own"))
    assert ["own"] == active(own.restate([device("a", is_listed=True)], T0).restate([], T0 + 1))


def test_a_list_does_not_switch_on_what_was_refused_since() -> None:
    """Mutation: each `user.updated` would bring a dead token back, to be refused once more."""
    given = Devices().restate([device("a", is_listed=True)], T0)
    refused = given.switch("a", T0 + 1, is_active=False)
    assert [] == active(refused.restate([device("a", T0 + 2, is_listed=True)], T0 + 2))


@pytest.mark.spec("NS-CH-068 NS-CH-OP-12")
def test_silence_switches_a_device_off_and_then_forgets_it() -> None:
    devices = Devices().register(device())
    stale = T0 + TERMS.stale_ms
    assert (["a"], []) == (active(devices, stale - 1), active(devices, stale))
    assert devices == devices.age(stale - 1, TERMS)
    off = devices.age(stale, TERMS)
    assert [False] == [one.is_active for one in off.known]
    assert off == off.age(stale + TERMS.forget_ms - 1, TERMS)
    assert [] == off.age(stale + TERMS.forget_ms, TERMS).known


def test_one_timer_is_enough_while_it_comes_early_enough() -> None:
    first = Devices().register(device()).look(TERMS)
    assert T0 + TERMS.stale_ms == first.looks_at
    used = first.register(device(at=T0 + DAY_MS)).look(TERMS)
    assert first.looks_at == used.looks_at
    off = used.switch("a", T0 + DAY_MS, is_active=False).look(TERMS)
    assert T0 + DAY_MS + TERMS.forget_ms == off.looks_at
    assert 0 == Devices(looks_at=off.looks_at).look(TERMS).looks_at
