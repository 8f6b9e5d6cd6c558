"""What the recipient stage learns of a user beside requests to him: contacts, choices, devices.

consumes  ContactChanged, PreferenceChanged, DeviceChanged, TokenClaimed, DevicesDue
keeps     contacts, preferences, devices, owners
emits     Vetoed, PreferenceRow, Unsubscribed (agents/forbid.py); what follows of devices (agents/equip.py)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from agents.equip import Shelf, age, claim, disarm, equip, restate
from agents.forbid import change, erase
from agents.remember import NOBODY, remember
from schemas.ids import subject_key
from schemas.records import ContactChanged, DeviceChanged, DevicesDue, PreferenceChanged, TokenClaimed
from schemas.words import ContactAction

if TYPE_CHECKING:
    from agents.answer import Outside
    from agents.equip import Followed
    from agents.recipient import Memory
    from schemas.records import PreferenceRow, Unsubscribed

    Absorbed = Followed | PreferenceRow | Unsubscribed

Fact = ContactChanged | PreferenceChanged | DeviceChanged | TokenClaimed | DevicesDue


def absorb(fact: Fact, now: int, memory: Memory, outside: Outside) -> list[Absorbed]:
    """What follows from a fact at `now` (ms), beside what is known from now on."""
    match fact:
        case ContactChanged():
            return _contacts(fact, now, memory, outside)
        case PreferenceChanged():
            return [*change(fact, memory.preferences, now)]
        case DeviceChanged():
            return [*equip(fact, _shelf(memory, now, outside))]
        case TokenClaimed():
            return [*claim(fact, memory.owners)]
        case DevicesDue():
            return [*age(fact, _shelf(memory, now, outside))]
        case _:
            assert_never(fact)


def _contacts(fact: ContactChanged, now: int, memory: Memory, outside: Outside) -> list[Absorbed]:
    """A deletion takes devices along, and what waits; no older list of devices brings one back after it."""
    key = subject_key(fact.user_id)
    before = memory.contacts.get(key) or NOBODY
    known = remember(before, fact, outside.cipher, outside.addresses)
    memory.contacts.put(key, known)
    shelf = _shelf(memory, now, outside)
    if known.is_deleted:
        gone = disarm(fact.user_id, shelf)
        return [*gone] if before.is_deleted else [*erase(fact, memory.preferences, now), *gone]
    if fact.action == ContactAction.DELETED:
        return [*disarm(fact.user_id, shelf, until=fact.changed_at)]
    if fact.devices is None or fact.changed_at < known.deleted_at:
        return []
    return [*restate(fact, shelf)]


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
