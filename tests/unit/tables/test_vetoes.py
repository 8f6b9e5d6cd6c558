"""What an erasure leaves of the vetoes of a user, in whatever order they come."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from schemas.records import Switch, Vetoed
from tables.preferences import Preferences
from tables.vetoes import Vetoes

OFF = {"email": Switch(is_on=True, at=1)}
ON = {"email": Switch(is_on=False, at=3)}


def vetoed(scope: str, version: int, **fields: Any) -> Vetoed:
    return Vetoed(user_id="u", scope=scope, at=0, expires_at=9, version=version, **fields)


def merged(*vetoes: Vetoed) -> Vetoes:
    known = Vetoes()
    for veto in vetoes:
        known = known.merge(veto)
    return known


CHOSEN, GONE = vetoed("choices", 2, unsubscribed=OFF), vetoed("user", 3)
SILENT, NEW = vetoed("device", 1, device_id="d"), vetoed("choices", 5, unsubscribed=ON)
AFRESH = vetoed("device", 6, device_id="d")


@pytest.mark.spec("NS-SEC-OP-02")
@pytest.mark.parametrize("told", list(permutations((CHOSEN, GONE, SILENT))))
def test_an_erasure_takes_along_what_the_user_chose_and_his_devices(told: tuple[Vetoed, ...]) -> None:
    """A batch tells choices behind all else. Mutations: choices stay; what is older comes back after it."""
    assert Vetoes(erased=3) == merged(*told)


@pytest.mark.parametrize("told", list(permutations((CHOSEN, GONE, NEW, AFRESH))))
def test_what_was_chosen_since_stays(told: tuple[Vetoed, ...]) -> None:
    """Mutation: an erasure that comes late, or again, empties all."""
    expected = Vetoes(preferences=Preferences(unsubscribed=ON, version=5), erased=3, devices={"d": 6})
    assert expected == merged(*told)
    assert expected == merged(*told, GONE, CHOSEN)
