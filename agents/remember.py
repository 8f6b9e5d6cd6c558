"""What a fact about a user changes in what is known of him.

consumes  ContactChanged; ports to open, check and seal an address
keeps     nothing
emits     the new `Contacts`: addresses in normal form, checked once here and not for each message

Devices are no part of it: `agents/equip.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    if action is ContactAction.REGISTERED:
        known = known.register(change.changed_at)
    return known.merge(_stated(change, cipher, addresses), change.changed_at)


def _stated(change: ContactChanged, cipher: Cipher, addresses: Addresses) -> dict[str, Any]:
    """The fields that the fact states; None where it removes one."""
    stated: dict[str, Any] = {}
    for name, channel in (("email", Channel.EMAIL), ("phone", Channel.SMS)):
        sealed: bytes | None = getattr(change, name)
        if sealed is not None:
            stated[name] = checked(sealed, channel, cipher, addresses) if sealed else None
    for name in ("language", "timezone"):
        text: str | None = getattr(change, name)
        if text is not None:
            stated[name] = text or None
    return stated


def checked(sealed: bytes, channel: Channel, cipher: Cipher, addresses: Addresses) -> Address:
    """Checked and in normal form; as it was given when it is no address of the channel (NS-SND-061).

    Nor is what no key opens any longer.
    """
    try:
        given = cipher.open(sealed).decode()
    except UnopenedError:
        return Address(sealed=sealed, is_valid=False)
    normal = addresses.normal(channel, given)
    if normal is None:
        return Address(sealed=sealed, is_valid=False)
    return Address(sealed=sealed if normal == given else cipher.seal(normal.encode()), is_valid=True)
