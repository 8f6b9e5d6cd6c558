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
    if action is ContactAction.REGISTERED:
        known = known.register(change.changed_at)
    return known.merge(_stated(change, cipher, addresses), change.changed_at)


def _resealed(known: Contacts, change: ContactChanged, cipher: Cipher) -> Contacts:
    """The very same addresses under another key; what anybody else said meanwhile stays as it is."""
    for name in ("email", "phone"):
        sealed: bytes | None = getattr(change, name)
        address: Address | None = getattr(known, name)
        if not sealed or address is None:
            continue
        with suppress(UnopenedError):
            if cipher.open(address.sealed) == cipher.open(sealed):
                fields: dict[str, Any] = {name: replace(address, sealed=sealed)}
                known = replace(known, **fields)
    return known


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
