"""What the recipient stage learns of a user beside requests to him: contacts, choices, devices.

consumes  ContactChanged, PreferenceChanged, DeviceChanged, TokenClaimed, DevicesDue
keeps     contacts, preferences, devices, owners
emits     Vetoed, PreferenceRow, Unsubscribed (agents/forbid.py); what follows of devices (agents/equip.py),
          and of a user who was deleted (agents/erase.py)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from agents.equip import Shelf, age, claim, disarm, equip, restate
from agents.erase import erase, kept_until
from agents.forbid import change
from agents.remember import NOBODY, remember
from schemas.ids import subject_key
from schemas.records import ContactChanged, DeviceChanged, DevicesDue, PreferenceChanged, TokenClaimed
from schemas.words import ContactAction

if TYPE_CHECKING:
    from agents.answer import Outside
    from agents.equip import Followed
    from agents.erase import Told
    from agents.recipient import Memory
    from schemas.records import PreferenceRow, Unsubscribed

    Absorbed = Followed | Told | PreferenceRow | Unsubscribed

Fact = ContactChanged | PreferenceChanged | DeviceChanged | TokenClaimed | DevicesDue


def absorb(fact: Fact, now: int, memory: Memory, outside: Outside) -> list[Absorbed]:
    """What follows from a fact at `now` (ms), beside what is known from now on."""
    match fact:
        case ContactChanged():
            return _contacts(fact, now, memory, outside)
        case PreferenceChanged():
            return _choices(fact, now, memory)
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
    before = memory.contacts.get(key) or NOBODY
    known = remember(before, fact, outside.cipher, outside.addresses)
    memory.contacts.put(key, known, expires_at=kept_until(known, now))
    shelf = _shelf(memory, now, outside)
    is_news = known.deleted_at > before.deleted_at
    told = erase(fact, known, memory, outside.cipher, now) if is_news else []
    if known.is_deleted:
        return [*told, *disarm(fact.user_id, shelf)]
    if fact.action == ContactAction.DELETED:
        return [*told, *disarm(fact.user_id, shelf, until=fact.changed_at)]
    if fact.devices is None or fact.changed_at < known.deleted_at:
        return []
    return [*restate(fact, shelf)]


def _choices(fact: PreferenceChanged, now: int, memory: Memory) -> list[Absorbed]:
    """No choice of before a deletion comes back after it: the two travel on different topics."""
    gone = memory.contacts.get(subject_key(fact.user_id))
    is_late = gone is not None and fact.changed_at <= gone.deleted_at
    return [] if is_late else [*change(fact, memory.preferences, now)]


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
