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
    """One address: ciphertext of its normal form, or, when it has none, of what was given (not valid)."""

    sealed: bytes
    is_valid: bool
    platform: str | None = None


class Contacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One user. Times in ms; 0: never stated."""

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

    @property
    def is_deleted(self) -> bool:
        """Deleted, and not registered again since."""
        return self.deleted_at > self.registered_at

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
            case _:
                return []

    def merge(self, stated: Mapping[str, Any], at: int) -> Contacts:
        """With the fields of a fact of time `at` taken over where nothing newer is known."""
        if self.is_deleted:
            stated = dict.fromkeys(stated)
        changed: dict[str, Any] = {}
        for name, value in stated.items():
            if at >= getattr(self, f"{name}_at"):
                changed |= {name: _empty(name) if value is None else value, f"{name}_at": at}
        return replace(self, **changed) if changed else self

    def register(self, at: int) -> Contacts:
        """Known to have registered."""
        return replace(self, registered_at=max(self.registered_at, at))

    def delete(self, at: int) -> Contacts:
        """Known to be deleted: nothing personal is kept unless a newer registration exists."""
        gone = replace(self, deleted_at=max(self.deleted_at, at))
        if not gone.is_deleted:
            return gone.merge(dict.fromkeys(FIELDS), at)
        values = {name: _empty(name) for name in FIELDS}
        times = {f"{name}_at": max(getattr(gone, f"{name}_at"), at) for name in FIELDS}
        return replace(gone, **values, **times)


FIELDS = ("email", "phone", "devices", "language", "timezone")


def _empty(name: str) -> list[Address] | None:
    return [] if name == "devices" else None
