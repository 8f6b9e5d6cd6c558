"""Whether Account Service is to be asked before a request is answered (NS-EVT-OP-07).

consumes  a request's choice of channels, what is known of its user, and since when
keeps     asking; what was said goes into contacts
emits     nothing: the recipient stage asks

Facts from `user.events` are taken as they are until the next fact. What Account Service said is asked again
after `cache_ms`, and used beyond that while it is away.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.fall_back import is_awaited
from agents.hold import needs_zone
from agents.remember import NOBODY, checked, still_bounced
from schemas.account_words import Told
from schemas.errors import UnopenedError
from schemas.words import Channel
from tables.asking import FORGOTTEN_MS, Asking, key_of

if TYPE_CHECKING:
    from agents.answer import Case
    from agents.choose import Chosen
    from agents.ports import Addresses, Cipher, Table
    from schemas.records import ContactsAnswered, RequestReceived
    from tables.contacts import Contacts

FIELDS: dict[str, str] = {Channel.EMAIL: "email", Channel.SMS: "phone"}


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """How long an answer of Account Service is believed."""

    cache_ms: int = 900_000


def must_ask(case: Case, choice: Chosen, terms: AccountTerms | None) -> bool:
    """Whether something is missing that Account Service may know, or others ask before this one."""
    if terms is None or case.told is not None or (case.contacts or NOBODY).is_deleted:
        return False
    return case.is_behind or bool(_missing(case, choice, terms))


def line_up(request: RequestReceived, now: int, asking: Table[bytes, Asking], by: int) -> None:
    """One more request of this user and lane waits for an answer, or, with -1, one less."""
    key = key_of(request.user_id, request.lane)
    before = asking.get(key) or Asking()
    after = before.more() if by > 0 else before.less()
    if after is None:
        asking.delete(key)
    else:
        asking.put(key, after, expires_at=now + FORGOTTEN_MS)


def is_stopgap(case: Case) -> bool:
    """Whether the answer has to do without Account Service, which was asked and is away."""
    return case.told == Told.AWAY


def learned(
    answered: ContactsAnswered, known: Contacts | None, ports: tuple[Cipher, Addresses], now: int
) -> Contacts:
    """The contacts with what was said."""
    cipher, addresses = ports
    said: dict[str, Any] = {"language": answered.language, "timezone": answered.timezone}
    for channel, name in FIELDS.items():
        sealed: bytes | None = getattr(answered, name)
        with suppress(UnopenedError):  # an answer that waited while its key was withdrawn says nothing
            said[name] = None if sealed is None else checked(sealed, Channel(channel), cipher, addresses)
    before = known or NOBODY
    return before.asked(still_bounced(before, said, cipher), now)


def _missing(case: Case, choice: Chosen, terms: AccountTerms) -> list[str]:
    """Of a reserve channel only when no chosen one has an address, or when it may follow them."""
    contacts = case.contacts or NOBODY
    is_enough = any(contacts.addresses(channel) for channel in choice.channels)
    is_enough = is_enough and not is_awaited(case, choice)
    channels = choice.channels if is_enough else (*choice.channels, *choice.reserve)
    names = [FIELDS[channel] for channel in channels if channel in FIELDS]
    if case.request.language is None:
        names.append("language")
    if needs_zone(case):
        names.append("timezone")
    return [name for name in names if contacts.is_missing(name, case.now, terms.cache_ms)]
