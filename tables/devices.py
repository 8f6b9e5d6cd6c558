"""Tables `devices` and `owners`: where pushes of a user go, and whose a token is (NS-CH-060…069).

devices   key: user key; value: `Devices`; writer: agents/equip.py, from `facts.devices` and `facts.contacts`
owners    key: `owner_key` of a token's hash; value: `Owner`; writer: agents/claim.py, from `facts.devices`

Each word on a device has a time, and an older one never undoes a newer one: facts come by several ways. Times
are in ms; they decide in the task of the token, too, so its owner does not depend on which claim came first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from tables.contacts import Address, Contacts

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_DEVICES = 50
"""Devices of one user, active or not: each active one is a message of its own for every push."""
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class DeviceTerms:
    """How long a device may be silent: then it is off, and, after `forget_ms` more, gone (NS-CH-OP-12)."""

    stale_ms: int = 270 * DAY_MS
    forget_ms: int = 90 * DAY_MS


class KnownDevice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One device. `used_at`: its last registration; `changed_at`: the last word on it, of whomever.

    `is_listed`: Account Service names it among the user's devices.
    """

    device_id: str
    platform: str
    token: bytes
    token_hash: str
    created_at: int
    used_at: int
    changed_at: int
    is_valid: bool = True
    is_active: bool = True
    is_listed: bool = False

    def takes_pushes(self, now: int, terms: DeviceTerms) -> bool:
        """Whether it is on, and was heard of lately enough."""
        return self.is_active and now < self.used_at + terms.stale_ms

    def ends_at(self, terms: DeviceTerms) -> int:
        """When silence switches it off or, as it is off, has it forgotten."""
        return self.used_at + terms.stale_ms if self.is_active else self.changed_at + terms.forget_ms


class Devices(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All devices of one user. `listed_at`: of the last list; `looks_at`: of the one timer that counts."""

    known: list[KnownDevice] = []
    listed_at: int = 0
    looks_at: int = 0

    def find(self, device_id: str) -> KnownDevice | None:
        """The device of that id."""
        return next((one for one in self.known if one.device_id == device_id), None)

    def active(self, now: int, terms: DeviceTerms) -> list[KnownDevice]:
        """Those that pushes go to."""
        return [one for one in self.known if one.takes_pushes(now, terms)]

    def register(self, device: KnownDevice) -> Devices:
        """With this device on, unless something newer was said; the one silent for longest makes room."""
        before = self.find(device.device_id)
        if before is not None:
            if device.changed_at < before.changed_at:
                return self
            listed = before.is_listed or device.is_listed
            return self.having(replace(device, created_at=before.created_at, is_listed=listed))
        kept = sorted(self.known, key=lambda one: (one.is_active, one.used_at))
        spare = {one.device_id for one in kept[: max(len(kept) + 1 - MOST_DEVICES, 0)]}
        left = [one for one in self.known if one.device_id not in spare]
        return replace(self, known=[*left, device])

    def switch(self, device_id: str, at: int, *, is_active: bool) -> Devices:
        """With the device on or off, unless something newer was said of it. That is no use of it."""
        before = self.find(device_id)
        if before is None or at < before.changed_at or is_active == before.is_active:
            return self
        return self.having(replace(before, is_active=is_active, changed_at=at))

    def take(self, device_id: str, at: int) -> Devices:
        """With the device off, as its token was registered elsewhere at `at`; only to register again helps.

        Whoever switches it on has not shown that the token is still his.
        """
        before = self.find(device_id)
        if before is None or at < before.used_at or not before.is_active:
            return self
        return self.having(replace(before, is_active=False, changed_at=max(at, before.changed_at)))

    def restate(self, given: Collection[KnownDevice], at: int) -> Devices:
        """As Account Service lists them (NS-CH-OP-11); devices that it never named stay as they are.

        A list says again what it said before: that switches nothing on that a provider or the user switched
        off since. What left the list is off.
        """
        if at < self.listed_at:
            return self
        ids = {one.device_id for one in given}
        after = replace(self, listed_at=at)
        for gone in [one for one in self.known if one.is_listed and one.device_id not in ids]:
            left = after.switch(gone.device_id, at, is_active=False)
            after = left.having(replace(left.find(gone.device_id) or gone, is_listed=False))
        for device in given:
            before = after.find(device.device_id)
            if before is None or before.is_active or not before.is_listed:
                after = after.register(device)
        return after

    def age(self, now: int, terms: DeviceTerms) -> Devices:
        """Without what silence has ended by now."""
        awake = [one for one in self.known if one.is_active or now < one.ends_at(terms)]
        return replace(
            self,
            known=[
                one if now < one.ends_at(terms) else replace(one, is_active=False, changed_at=now)
                for one in awake
            ],
        )

    def look(self, terms: DeviceTerms) -> Devices:
        """With the time of the timer that is needed: kept if it comes early enough."""
        ends_at = min((one.ends_at(terms) for one in self.known), default=0)
        return self if 0 < self.looks_at <= ends_at else replace(self, looks_at=ends_at)

    def having(self, device: KnownDevice) -> Devices:
        """With this in place of what was known of the device."""
        return replace(
            self, known=[device if one.device_id == device.device_id else one for one in self.known]
        )


def reachable(
    contacts: Contacts | None, devices: Devices | None, now: int, terms: DeviceTerms
) -> Contacts | None:
    """The contacts with the devices that pushes go to; while there are none, with those kept there before."""
    if devices is None:
        return contacts
    active = [
        Address(sealed=one.token, is_valid=one.is_valid, platform=one.platform, device_id=one.device_id)
        for one in devices.active(now, terms)
    ]
    return replace(contacts or Contacts(), devices=active)


class Owner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whose device has a token, since when."""

    user_id: str
    device_id: str
    at: int


def owner_key(token_hash: str) -> bytes:
    """Row of a token, and Kafka key of what is about it."""
    return f"token:{token_hash}".encode()
