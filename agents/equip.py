"""Which devices of a user get pushes: registered, switched, refused, moved, listed, idle (NS-CH-060…069).

consumes  DeviceChanged, DevicesDue; ContactChanged with a list of devices, or of a deletion
keeps     devices
emits     DeviceRow, TokenClaimed, DevicesDue (timer), DevicesOff (its end),
          Vetoed of a device that is off: pushes that wait for it may reach somebody else

What follows is told by what differs before and after, so rows and claims never miss a change.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from agents.forbid import silence
from agents.remember import checked, is_same
from schemas.device_words import DeviceAction
from schemas.errors import UnopenedError
from schemas.ids import device_named, subject_key
from schemas.records import DeviceChanged, DeviceRow, DevicesDue, DevicesOff, TokenClaimed, Vetoed
from schemas.words import Channel
from tables.devices import Devices, KnownDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.ports import Addresses, Cipher, Table
    from schemas.records import ContactChanged
    from tables.contacts import Contacts
    from tables.devices import DeviceTerms
    from tables.preferences import Preferences

Followed = DeviceRow | TokenClaimed | DeviceChanged | DevicesDue | DevicesOff | Vetoed
NOTHING = Devices()


@dataclass(frozen=True, slots=True)
class Shelf:
    """The tables of devices in one task at `now` (ms), and what is needed to read a token."""

    devices: Table[bytes, Devices]
    contacts: Table[bytes, Contacts]
    preferences: Table[bytes, Preferences]
    now: int
    cipher: Cipher
    addresses: Addresses
    terms: DeviceTerms


def equip(value: DeviceChanged, shelf: Shelf) -> list[Followed]:
    """One word on one device. A deleted user gets none, and one who came back gets none of before.

    A word that is older than the last changes nothing. When the token moved, but this device registered again
    since, it claims the token back.
    """
    contacts = shelf.contacts.get(subject_key(value.user_id))
    before = _before(value.user_id, shelf)
    match DeviceAction(value.action):
        case DeviceAction.REGISTERED:
            if contacts is not None and (contacts.is_deleted or value.changed_at < contacts.deleted_at):
                return []
            return _kept(value.user_id, before.register(_registered(value)), shelf)
        case DeviceAction.MOVED:
            again: list[Followed] = [
                _claim(value.user_id, one)
                for one in before.known
                if one.device_id == value.device_id and one.is_active and one.used_at > value.changed_at
            ]
            return again or _kept(value.user_id, before.take(value.device_id, value.changed_at), shelf)
        case DeviceAction.SWITCHED:
            after = before.switch(value.device_id, value.changed_at, is_active=value.is_active)
            return _kept(value.user_id, after, shelf)
        case DeviceAction.REFUSED:
            after = before.switch(value.device_id, value.changed_at, is_active=False)
            return _kept(value.user_id, after, shelf)
        case DeviceAction.RESEALED:
            return _resealed(value, shelf)
        case action:
            assert_never(action)


def _resealed(value: DeviceChanged, shelf: Shelf) -> list[Followed]:
    """The very same token under another key, and nothing else: no registration, and no row where none is."""
    before = shelf.devices.get(subject_key(value.user_id)) or NOTHING
    device = before.find(value.device_id)
    if device is None or value.token is None or not is_same(device.token, value.token, shelf.cipher):
        return []
    return _kept(value.user_id, before.having(replace(device, token=value.token)), shelf)


def restate(value: ContactChanged, shelf: Shelf) -> list[Followed]:
    """Account Service's list of a user's devices (NS-CH-OP-11).

    A list that cannot be read whole says nothing: what is missing of it would be switched off.
    """
    told = [(device.platform, device.token) for device in value.devices or []]
    given = _listed(value.user_id, told, value.changed_at, shelf)
    if len(given) < len(told):
        return []
    before = _before(value.user_id, shelf)
    return _kept(value.user_id, before.restate(given, value.changed_at), shelf)


def disarm(user_id: str, shelf: Shelf, until: int | None = None) -> list[Followed]:
    """The user is deleted, and all his devices with him (NS-SEC-OP-02).

    He came back meanwhile, and only then his deletion of the time `until` (ms) is told: older ones go.
    """
    key = subject_key(user_id)
    before = shelf.devices.get(key) or NOTHING
    if until is not None:
        left = [one for one in before.known if one.used_at >= until]
        return _kept(user_id, replace(before, known=left), shelf)
    shelf.devices.delete(key)
    return [*_differing(user_id, before, NOTHING), *_timers(user_id, before, NOTHING)]


def age(due: DevicesDue, shelf: Shelf) -> list[Followed]:
    """Devices that are silent for too long; a timer that another has replaced does nothing."""
    before = shelf.devices.get(subject_key(due.user_id)) or NOTHING
    if due.due_at != before.looks_at:
        return []
    return _kept(due.user_id, replace(before.age(shelf.now, shelf.terms), looks_at=0), shelf)


def _kept(user_id: str, changed: Devices, shelf: Shelf) -> list[Followed]:
    key = subject_key(user_id)
    before, after = shelf.devices.get(key) or NOTHING, changed.look(shelf.terms)
    if after != before:
        shelf.devices.put(key, after)
    on = {one.device_id for one in after.known if one.is_active}
    off = [one.device_id for one in before.known if one.is_active and one.device_id not in on]
    vetoes = silence(user_id, off, shelf.preferences, shelf.now)
    return [*_differing(user_id, before, after), *_timers(user_id, before, after), *vetoes]


def _timers(user_id: str, before: Devices, after: Devices) -> list[Followed]:
    """The one that counts; the one before it ends, that nothing names a user whose devices are gone."""
    if after.looks_at == before.looks_at:
        return []
    off = [DevicesOff(user_id=user_id, due_at=before.looks_at)] if before.looks_at else []
    return [*off, *([DevicesDue(user_id=user_id, due_at=after.looks_at)] if after.looks_at else [])]


def _differing(user_id: str, before: Devices, after: Devices) -> Iterator[Followed]:
    """Rows of what changed; a token is claimed when its device comes on, released when it is forgotten."""
    for device in after.known:
        was = before.find(device.device_id)
        if was != device:
            yield _row(user_id, device)
        if device.is_active and (was is None or not was.is_active):
            yield _claim(user_id, device)
    for gone in before.known:
        if after.find(gone.device_id) is None:
            yield replace(_row(user_id, gone), is_forgotten=True)
            yield replace(_claim(user_id, gone), is_released=True)


def _before(user_id: str, shelf: Shelf) -> Devices:
    """What is known; what an earlier version kept beside the contacts is taken over with the first change."""
    key = subject_key(user_id)
    known = shelf.devices.get(key)
    if known is not None:
        return known
    contacts = shelf.contacts.get(key)
    if contacts is None or not contacts.devices:
        return NOTHING
    shelf.contacts.put(key, replace(contacts, devices=[]))
    told = [(one.platform or "", one.sealed) for one in contacts.devices]
    old = _listed(user_id, told, contacts.devices_at, shelf)
    return Devices(known=old, listed_at=contacts.devices_at)


def _registered(value: DeviceChanged) -> KnownDevice:
    assert value.platform is not None
    assert value.token is not None
    assert value.token_hash is not None
    return KnownDevice(
        device_id=value.device_id,
        platform=value.platform,
        token=value.token,
        token_hash=value.token_hash,
        created_at=value.changed_at,
        used_at=value.changed_at,
        changed_at=value.changed_at,
    )


def _listed(user_id: str, told: list[tuple[str, bytes]], at: int, shelf: Shelf) -> list[KnownDevice]:
    """Without tokens whose key is withdrawn: nobody can tell whose, and nothing reaches them."""
    found: list[KnownDevice] = []
    for platform, given in told:
        with suppress(UnopenedError):
            address = checked(given, Channel.PUSH, shelf.cipher, shelf.addresses)
            token_hash = shelf.cipher.digest(shelf.cipher.open(address.sealed))
            device = KnownDevice(
                device_id=device_named(user_id, platform, token_hash),
                platform=platform,
                token=address.sealed,
                token_hash=token_hash,
                created_at=at,
                used_at=at,
                changed_at=at,
                is_valid=address.is_valid,
                is_listed=True,
            )
            found.append(device)
    return found


def _claim(user_id: str, device: KnownDevice) -> TokenClaimed:
    return TokenClaimed(
        token_hash=device.token_hash, user_id=user_id, device_id=device.device_id, at=device.used_at
    )


def _row(user_id: str, device: KnownDevice) -> DeviceRow:
    return DeviceRow(
        device_id=device.device_id,
        user_id=user_id,
        platform=device.platform,
        token=device.token,
        token_hash=device.token_hash,
        is_active=device.is_active,
        used_at=device.used_at,
        created_at=device.created_at,
        changed_at=device.changed_at,
    )
