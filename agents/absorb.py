"""What the recipient stage learns of a user beside requests to him: contacts, choices, devices.

consumes  ContactChanged, PreferenceChanged, DeviceChanged, TokenClaimed, DevicesDue
keeps     contacts, preferences, devices, owners
emits     Vetoed, PreferenceRow, Unsubscribed (agents/forbid.py); what follows of devices (agents/equip.py),
          and of a user who was deleted (agents/erase.py)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from agents.claim import claim
from agents.equip import Shelf, age, disarm, equip, restate
from agents.erase import erase, forgotten, in_force, kept_until
from agents.forbid import change
from agents.remember import NOBODY, remember
from agents.withhold import welcome, withhold
from schemas.ids import person_named, subject_key
from schemas.records import ContactChanged, DeviceChanged, DevicesDue, PreferenceChanged, TokenClaimed
from schemas.words import ContactAction

if TYPE_CHECKING:
    from agents.answer import Outside
    from agents.equip import Followed
    from agents.erase import Told
    from agents.recipient import Memory
    from schemas.records import PreferenceRow, Unsubscribed
    from tables.contacts import Contacts

    Absorbed = Followed | Told | PreferenceRow | Unsubscribed

Fact = ContactChanged | PreferenceChanged | DeviceChanged | TokenClaimed | DevicesDue


def absorb(fact: Fact, now: int, memory: Memory, outside: Outside) -> list[Absorbed]:
    """What follows from a fact at `now` (ms), beside what is known from now on."""
    match fact:
        case ContactChanged():
            return _contacts(fact, now, memory, outside)
        case PreferenceChanged():
            return _choices(fact, now, memory, outside)
        case DeviceChanged():
            return [*equip(fact, _shelf(memory, now, outside))]
        case TokenClaimed():
            return [*claim(fact, memory.owners)]
        case DevicesDue():
            return [*age(fact, _shelf(memory, now, outside))]
        case _:
            assert_never(fact)


def _contacts(fact: ContactChanged, now: int, memory: Memory, outside: Outside) -> list[Absorbed]:
    """A deletion takes all along that is of its time or before; no older list of devices brings one back."""
    key = subject_key(fact.user_id)
    if fact.action == ContactAction.DELETED:
        fact = in_force(fact, memory)
    before = memory.contacts.get(key) or NOBODY
    known = remember(before, fact, outside.cipher, outside.addresses)
    if fact.action in {ContactAction.RESEALED, ContactAction.BOUNCED}:
        return _swapped(key, known, memory, now)
    memory.contacts.put(key, known, expires_at=kept_until(known, now))
    shelf = _shelf(memory, now, outside)
    is_news = known.deleted_at > before.deleted_at
    if fact.action == ContactAction.DELETED:
        told = erase(fact, known, memory, outside.cipher, now) if is_news else []
        until = None if known.is_deleted else fact.changed_at
        return [*told, *forgotten(fact), *disarm(fact.user_id, shelf, until)]
    if known.is_deleted:
        return [*disarm(fact.user_id, shelf)]
    back = welcome(fact.user_id, memory.preferences) if before.is_deleted else []
    if fact.devices is None or fact.changed_at < known.deleted_at:
        return [*back]
    return [*back, *restate(fact, shelf)]


def _swapped(key: bytes, known: Contacts, memory: Memory, now: int) -> list[Absorbed]:
    """Nothing that he states, in a row that exists: one for a user who lives elsewhere would be a second."""
    if memory.contacts.get(key) not in (None, known):
        memory.contacts.put(key, known, expires_at=kept_until(known, now))
    return []


def _choices(fact: PreferenceChanged, now: int, memory: Memory, outside: Outside) -> list[Absorbed]:
    """No choice of before a deletion comes back after it: the two travel on different topics.

    One of after it waits for a registration, without which nobody is there who could have chosen.
    """
    key = subject_key(fact.user_id)
    gone = memory.contacts.get(key)
    if gone is not None and fact.changed_at <= gone.deleted_at:
        return []
    if gone is not None and gone.is_deleted:
        memory.contacts.put(key, gone, expires_at=kept_until(gone, now))  # no shorter than the choice
        person = person_named(outside.cipher.digest(fact.user_id.encode()))
        return [*withhold(fact, person, memory.preferences, now)]
    return [*change(fact, memory.preferences, now)]


def _shelf(memory: Memory, now: int, outside: Outside) -> Shelf:
    return Shelf(
        memory.devices,
        memory.contacts,
        memory.preferences,
        now,
        outside.cipher,
        outside.addresses,
        outside.device_terms,
    )
