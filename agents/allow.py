"""Which channels of a request may be used now: by choice, by the hour, by address, by how many there were.

consumes  a request about to become messages, and what is known around it
keeps     nothing
emits     `Chosen`, or why nothing is sent: `Dropped`, `Ended`; `Later` when it is to be looked at again,
          ContactsAsked (effect) when somebody else may know more
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.admit import Later
from agents.ask_account import is_stopgap, must_ask
from agents.cap import cap
from agents.choose import Chosen, Dropped, choose, narrow
from agents.hold import hold
from agents.remember import NOBODY
from schemas.records import ContactsAsked
from schemas.words import Channel, Reason, WaitedFor
from tables.requests import CONTACT_WAIT_MS

if TYPE_CHECKING:
    from agents.admit import Ended
    from agents.answer import Case, Outside

LONGEST_WAIT_MS = 600_000


def allowed(case: Case, outside: Outside) -> Chosen | Dropped | Ended | Later | ContactsAsked:
    """Where messages may go now. Account Service is asked before all else: it may know the time zone."""
    choice = choose(case.admitted.kind, case.preferences)
    if isinstance(choice, Chosen):
        choice = narrow(choice, case.request.channels)
    if isinstance(choice, Dropped):
        return choice
    if must_ask(case, choice, outside.account_terms):
        return ContactsAsked(request=case.request, waited_for=case.waited_for)
    rules = outside.rules
    held = None if case.is_gone else hold(case, rules.timezone)
    return held or _unreached(case, choice) or cap(case, choice, rules.limits)


def _unreached(case: Case, choice: Chosen) -> Dropped | Later | None:
    """What happens when no chosen channel has an address; None when one has, or when it is time to go on.

    A deleted user is not waited for, nor is anybody whom a reserve channel reaches. The mailbox in the app,
    which everybody has, is no reason not to wait for what else was chosen, but while Account Service is away
    it is enough. For that a request waits as long as it may live, and looks the more seldom the longer it has
    waited: an outage of hours would else end with more looks than requests.
    """
    contacts = case.contacts or NOBODY
    if case.is_gone:
        return Dropped(Reason.NO_CONTACT, "contacts.deleted_at", str(contacts.deleted_at))
    reaching = {c for c in (*choice.channels, *choice.reserve) if contacts.addresses(c)}
    is_alone = reaching == {Channel.IN_APP} != {*choice.channels}
    if reaching and (not is_alone or is_stopgap(case)):
        return None
    if is_stopgap(case):
        waited_ms = case.now - case.request.received_at
        pause_ms = min(max(waited_ms // 4, CONTACT_WAIT_MS), LONGEST_WAIT_MS)
        return Later(case.now + pause_ms, WaitedFor.ACCOUNT)
    if case.has_waited:
        return None
    return Later(case.now + CONTACT_WAIT_MS, WaitedFor.CONTACT)
