"""Table `contacts`: how a user can be reached (NS-EVT-OP-07).

key     user key
value   `Contacts`
writer  agents/recipient.py, from `facts.contacts`

Each field carries the time of the fact it comes from; an older fact never replaces a newer one, so facts may
come twice or out of order. A deletion empties everything; only a later registration brings a user back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from schemas.words import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping


class Address(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One address: ciphertext of its normal form, or, when it has none, of what was given (not valid).

    `bounced_at`: when a provider said that it takes nothing (ms); `confirmed_at`: when somebody said that it
    does; 0: never. The later one counts.
    """

    sealed: bytes
    is_valid: bool
    platform: str | None = None
    device_id: str | None = None
    bounced_at: int = 0
    confirmed_at: int = 0

    @property
    def has_bounced(self) -> bool:
        """Whether a provider said so, and nobody since that it was repaired."""
        return self.bounced_at > self.confirmed_at

    @property
    def is_usable(self) -> bool:
        """Whether a message may go there."""
        return self.is_valid and not self.has_bounced


HIMSELF = Address(sealed=b"", is_valid=True)
"""Where messages in the app go: to whoever the user is, whether or not anything is known of him."""


class Contacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One user. Times in ms; 0: never stated. `asked_at`: when Account Service last answered.

    `devices`: rows of earlier versions have them; now they are in `tables.devices`, and here only to be read.
    """

    email: Address | None = None
    phone: Address | None = None
    devices: list[Address] = []
    language: str | None = None
    timezone: str | None = None
    email_at: int = 0
    phone_at: int = 0
    devices_at: int = 0
    language_at: int = 0
    timezone_at: int = 0
    registered_at: int = 0
    deleted_at: int = 0
    asked_at: int = 0

    @property
    def is_deleted(self) -> bool:
        """Deleted, and not registered again since."""
        return self.deleted_at > self.registered_at

    def times(self) -> list[int]:
        """When he registered, and of what time each field is (ms)."""
        return [self.registered_at, *(getattr(self, f"{name}_at") for name in FIELDS)]

    def when(self, asked_at: int) -> Contacts:
        """As they are for something asked at that time: what was asked before a deletion reaches nobody."""
        return Contacts(deleted_at=self.deleted_at) if 0 < asked_at <= self.deleted_at else self

    def addresses(self, channel: str) -> list[Address]:
        """The addresses that serve a channel, valid or not."""
        match channel:
            case Channel.EMAIL:
                return [self.email] if self.email else []
            case Channel.SMS:
                return [self.phone] if self.phone else []
            case Channel.PUSH:
                return self.devices
            case Channel.IN_APP:
                return [] if self.is_deleted else [HIMSELF]
            case _:
                return []

    def merge(self, stated: Mapping[str, Any], at: int) -> Contacts:
        """With the fields of a fact of time `at` taken over where nothing newer is known."""
        if self.is_deleted:
            stated = dict.fromkeys(stated)
        changed: dict[str, Any] = {}
        for name, value in stated.items():
            if at >= getattr(self, f"{name}_at") or self.is_told(name):
                changed |= {name: _empty(name) if value is None else value, f"{name}_at": at}
        return replace(self, **changed) if changed else self

    def asked(self, said: Mapping[str, Any], at: int) -> Contacts:
        """With what Account Service said at `at`, where no event has stated it: events come by themselves.

        Its word has the time of the answer and gives way to any event. One that is older than the answer and
        comes later is followed by the one that made the difference.
        """
        if self.is_deleted:
            return self
        taken = [name for name in said if self._is_open(name) or self.is_told(name)]
        values = {name: said[name] for name in taken} | {f"{name}_at": at for name in taken}
        return replace(self, **values, asked_at=at)

    def is_missing(self, name: str, now: int, cache_ms: int) -> bool:
        """Whether nobody has stated it, or Account Service did longer ago than it is believed."""
        if self._is_open(name) or self.is_told(name):
            return self.asked_at == 0 or now >= self.asked_at + cache_ms
        return False

    def _is_open(self, name: str) -> bool:
        """No event has stated it: not at all, or not since a deleted user came back."""
        at: int = getattr(self, f"{name}_at")
        is_emptied = self.deleted_at > 0 and at < self.registered_at and not getattr(self, name)
        return at == 0 or is_emptied

    def is_told(self, name: str) -> bool:
        """What is known of a field is the word of Account Service."""
        at: int = getattr(self, f"{name}_at")
        return 0 < self.asked_at == at

    def register(self, at: int) -> Contacts:
        """Known to have registered."""
        return replace(self, registered_at=max(self.registered_at, at))

    def delete(self, at: int) -> Contacts:
        """Known to be deleted: nothing personal is kept unless a newer registration exists.

        Then what Account Service said since stays, too: it is about the one who came back.
        """
        gone = replace(self, deleted_at=max(self.deleted_at, at))
        if not gone.is_deleted:
            older = [name for name in FIELDS if self.asked_at <= at or not self.is_told(name)]
            return gone.merge(dict.fromkeys(older), at)
        values = {name: _empty(name) for name in FIELDS}
        times = {f"{name}_at": max(getattr(gone, f"{name}_at"), at) for name in FIELDS}
        return replace(gone, **values, **times, asked_at=0)


FIELDS = ("email", "phone", "devices", "language", "timezone")


def _empty(name: str) -> list[Address] | None:
    return [] if name == "devices" else None
