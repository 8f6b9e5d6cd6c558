"""Tables `vetoes` and `cancelled`: what must not be sent, though its message may wait (NS-PREF-OP-04).

key     `vetoes`: user key; `cancelled`: `key_of(user, source, request)`
value   `Vetoes`; `Cancelled`
writer  agents/heed.py, from `vetoes.<channel>`

A row ends by itself when no message that it means can be waiting any longer.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from schemas.ids import subject_key
from schemas.records.reference import LONGEST_TTL_S
from schemas.veto_words import VetoScope
from tables.devices import MOST_DEVICES
from tables.preferences import Preferences

if TYPE_CHECKING:
    from schemas.records import ChosenType, SendTask, Switch, Vetoed

KEEP_MS = (LONGEST_TTL_S + 86_400) * 1000
"""Longer than a message may wait, with a day for clocks of producers that are ahead."""
MOST_EARLIER = 8
"""Of a user who changes his mind again and again while messages wait."""
CLOCKS_MS = 60_000
"""How far clocks of two workers may differ. A cancelled id is refused for longer: nobody has it by then."""


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request that was cancelled, last at this time (ms); its id may be used again later."""

    at: int

    def means(self, task: SendTask) -> bool:
        """The message was made before, by the clock of its user's task: that of another worker, perhaps."""
        return task.created_at <= self.at + CLOCKS_MS


class Vetoes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of one user, what messages that wait are judged by anew.

    `erased`: version of his preferences before which all are cancelled; `devices`: before which pushes to a
    device are not sent. `earlier`: of what he chose before `preferences`, the newest first, what forbade
    something that these allow again. A veto may come again, and after a newer one.
    """

    preferences: Preferences | None = None
    erased: int = 0
    earlier: list[Preferences] = []
    devices: dict[str, int] = {}

    def merge(self, veto: Vetoed) -> Vetoes:
        """With a veto of any scope but `request` taken in; the same object when a newer is known.

        An erasure takes along what is older: it was of messages all of which it cancels. No veto of before
        brings it back.
        """
        if veto.version <= self.erased:
            return self
        if veto.scope == VetoScope.USER:
            return self._erase(veto.version)
        if veto.scope == VetoScope.DEVICE:
            return self._silence(veto.device_id or "", veto.version)
        known = {one.version: one for one in self._all}
        if veto.version in known:
            return self
        known[veto.version] = Preferences(
            types=veto.types,
            unsubscribed=veto.unsubscribed,
            consents=veto.consents,
            version=veto.version,
        )
        newest, *older = (known[version] for version in sorted(known, reverse=True))
        earlier = [one for one in older if takes_back(one, newest)][:MOST_EARLIER]
        after = replace(self, preferences=newest, earlier=earlier)
        return self if after == self else after

    @property
    def _all(self) -> list[Preferences]:
        return [self.preferences, *self.earlier] if self.preferences else []

    def _erase(self, version: int) -> Vetoes:
        left = [one for one in self._all if one.version > version]
        return Vetoes(
            preferences=left[0] if left else None,
            erased=version,
            earlier=left[1:],
            devices={name: at for name, at in self.devices.items() if at > version},
        )

    def _silence(self, device_id: str, version: int) -> Vetoes:
        if self.devices.get(device_id, 0) >= version:
            return self
        others = sorted(self.devices.items(), key=lambda one: one[1])[1 - MOST_DEVICES :]
        return replace(self, devices={**dict(others), device_id: version})

    def silences(self, task: SendTask) -> bool:
        """Its device went off after the message was made."""
        return task.device_id is not None and task.preferences_version < self.devices.get(task.device_id, 0)

    def erases(self, task: SendTask) -> bool:
        """Its user was deleted after the message was made."""
        return task.preferences_version < self.erased

    def newer_than(self, task: SendTask) -> list[Preferences]:
        """What the user chose after the message was made, as far as it can forbid it; the newest first."""
        return [one for one in self._all if one.version > task.preferences_version]


class Choices(Protocol):
    """What a user chose, as `Preferences` and `Vetoed` have it."""

    @property
    def types(self) -> dict[str, ChosenType]: ...
    @property
    def unsubscribed(self) -> dict[str, Switch]: ...
    @property
    def consents(self) -> dict[str, Switch]: ...


def takes_back(before: Choices, after: Choices) -> bool:
    """Whether `after` may allow what `before` forbids; where not, it forbids all that `before` does."""
    if any(one.is_on and before.consents.get(name) != one for name, one in after.consents.items()):
        return True
    on = {name for name, one in after.unsubscribed.items() if one.is_on}
    if any(one.is_on and name not in on for name, one in before.unsubscribed.items()):
        return True
    return any(_is_wider(after.types.get(code), one) for code, one in before.types.items())


def _is_wider(after: ChosenType | None, before: ChosenType) -> bool:
    if after is None:
        return True
    return after.is_enabled and not (before.is_enabled and {*after.channels} <= {*before.channels})


def key_of(user_id: str, source: str, request_id: str) -> bytes:
    """Key of `cancelled`: nobody reaches what another service asked for."""
    named = f"{source}\0{request_id}".encode()
    return subject_key(user_id) + b"/" + blake2b(named, digest_size=16).digest()
