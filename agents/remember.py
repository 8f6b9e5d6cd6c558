"""What a fact about a user changes in what is known of him.

consumes  ContactChanged; ports to open, check and seal an address
keeps     nothing
emits     the new `Contacts`: addresses in normal form, checked once here and not for each message

Devices are no part of it: `agents/equip.py`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from schemas.errors import UnopenedError
from schemas.words import Channel, ContactAction
from tables.contacts import Address, Contacts

if TYPE_CHECKING:
    from agents.ports import Addresses, Cipher
    from schemas.records import ContactChanged

NOBODY = Contacts()
ADDRESSES = ("email", "phone")
_FIELD = {Channel.EMAIL: "email", Channel.SMS: "phone"}


def remember(
    before: Contacts | None, change: ContactChanged, cipher: Cipher, addresses: Addresses
) -> Contacts:
    """The contacts with a fact taken in. An unknown action is a defect: `ValueError`."""
    known = before or NOBODY
    action = ContactAction(change.action)
    if action is ContactAction.DELETED:
        return known.delete(change.changed_at)
    if action is ContactAction.RESEALED:
        return _resealed(known, change, cipher)
    if action is ContactAction.BOUNCED:
        return _bounced(known, change, cipher)
    if action is ContactAction.REGISTERED:
        known = known.register(change.changed_at)
    stated = still_bounced(known, _stated(change, cipher, addresses), cipher)
    return _confirmed(known.merge(stated, change.changed_at), change)


def _resealed(known: Contacts, change: ContactChanged, cipher: Cipher) -> Contacts:
    """The very same addresses under another key; what anybody else said meanwhile stays as it is."""
    fields: dict[str, Any] = {
        name: replace(address, sealed=sealed) for name, address, sealed in _meant(known, change, cipher)
    }
    return replace(known, **fields)


def _bounced(known: Contacts, change: ContactChanged, cipher: Cipher) -> Contacts:
    """Unusable from now on, if it is still the address; another one has nothing to do with it."""
    fields: dict[str, Any] = {
        name: replace(address, bounced_at=max(address.bounced_at, change.changed_at))
        for name, address, _ in _meant(known, change, cipher)
    }
    return replace(known, **fields)


def _confirmed(known: Contacts, change: ContactChanged) -> Contacts:
    """What bounced before takes messages again: its user was asked, or somebody repaired it."""
    fields: dict[str, Any] = {}
    for name in (_FIELD[Channel(channel)] for channel in change.confirmed):
        address: Address | None = getattr(known, name)
        if address is not None:
            fields[name] = replace(address, confirmed_at=max(address.confirmed_at, change.changed_at))
    return replace(known, **fields) if fields else known


def _meant(known: Contacts, change: ContactChanged, cipher: Cipher) -> list[tuple[str, Address, bytes]]:
    """The known addresses that a fact is about, and as it has them sealed."""
    found: list[tuple[str, Address, bytes]] = []
    for name in ADDRESSES:
        sealed: bytes | None = getattr(change, name)
        address: Address | None = getattr(known, name)
        if sealed and address is not None and is_same(address.sealed, sealed, cipher):
            found.append((name, address, sealed))
    return found


def is_same(one: bytes, other: bytes, cipher: Cipher) -> bool:
    """Sealed by whichever keys; what a withdrawn key sealed is nothing that is known."""
    with suppress(UnopenedError):
        return one == other or cipher.open(one) == cipher.open(other)
    return False


def still_bounced(known: Contacts, stated: dict[str, Any], cipher: Cipher) -> dict[str, Any]:
    """What is known of an address stays with it until another one takes its place (NS-CH-OP-04)."""
    for name in ADDRESSES:
        before: Address | None = getattr(known, name)
        after: Address | None = stated.get(name)
        is_marked = before is not None and (before.bounced_at or before.confirmed_at)
        if before and after and is_marked and is_same(before.sealed, after.sealed, cipher):
            marks = {"bounced_at": before.bounced_at, "confirmed_at": before.confirmed_at}
            stated |= {name: replace(after, **marks)}
    return stated


def _stated(change: ContactChanged, cipher: Cipher, addresses: Addresses) -> dict[str, Any]:
    """The fields that the fact states; None where it removes one.

    What a withdrawn key sealed states nothing: what is known is better than what nobody can read.
    """
    stated: dict[str, Any] = {}
    for name, channel in (("email", Channel.EMAIL), ("phone", Channel.SMS)):
        sealed: bytes | None = getattr(change, name)
        if sealed is not None:
            with suppress(UnopenedError):
                stated[name] = checked(sealed, channel, cipher, addresses) if sealed else None
    for name in ("language", "timezone"):
        text: str | None = getattr(change, name)
        if text is not None:
            stated[name] = text or None
    return stated


def checked(sealed: bytes, channel: Channel, cipher: Cipher, addresses: Addresses) -> Address:
    """Checked and in normal form; as it was given when it is no address of the channel (NS-SND-061).

    `UnopenedError` when the key that sealed it is withdrawn.
    """
    given = cipher.open(sealed).decode()
    normal = addresses.normal(channel, given)
    if normal is None:
        return Address(sealed=sealed, is_valid=False)
    return Address(sealed=sealed if normal == given else cipher.seal(normal.encode()), is_valid=True)
