"""What Account Service is asked about a user, and what it says (NS-EVT-040, NS-EVT-041)."""

from __future__ import annotations

from schemas.records.requests import RequestReceived
from schemas.records.root import Record, Sealed


class ContactsAsked(Record, frozen=True, kw_only=True):
    """The effect: ask for the contacts of a request's user; the request waits inside it.

    `waited_for`: what it waited for before, if it did.
    """

    request: RequestReceived
    waited_for: str | None = None


class ContactsAnswered(Record, frozen=True, kw_only=True):
    """What Account Service said. None: it knows of none.

    verdict: `found`, `unknown` (no such user), `away`, `hidden` (a crash hid the answer), `lapsed`
    """

    call: ContactsAsked
    verdict: str
    email: Sealed | None = None
    phone: Sealed | None = None
    language: str | None = None
    timezone: str | None = None
