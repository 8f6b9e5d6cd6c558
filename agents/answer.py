"""From an admitted request to its messages, or to the reason why there are none.

consumes  a request, what is known of its user, templates
keeps     nothing
emits     MessageQueued, SendTask and RequestDecided; RequestDue (timer) while no address is known, or in
          quiet hours; ContactsAsked (effect) where Account Service may know more; FallbackPlanned before
          messages that a reserve channel may follow
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agents.admit import Ended, Later
from agents.allow import allowed
from agents.ask_account import is_stopgap
from agents.cap import cap, is_alarming
from agents.choose import Chosen, Dropped
from agents.conceal import reveal, veiled
from agents.equip import Followed
from agents.erase import WAITS_BY
from agents.erase import Told as Erased
from agents.fall_back import after, is_awaited, next_channels, not_used, planned, used_now
from agents.hold import quiet_of
from agents.remember import NOBODY
from agents.render_channels import Draft, Made, Way, find_template, render_channel
from schemas.account_words import Told
from schemas.records import (
    ContactsAsked,
    FallbackPlanned,
    PreferenceRow,
    RequestDecided,
    RequestDue,
    RequestQuarantined,
    SendTask,
    Unsubscribed,
)
from schemas.times import rfc3339
from schemas.words import Outcome, Reason, WaitedFor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    from agents.admit import Admitted
    from agents.ask_account import AccountTerms
    from agents.ports import Addresses, Cipher, Links, Reference, Renderer, Rules
    from schemas.records import NotificationType, RequestReceived
    from tables.caps import Caps
    from tables.contacts import Contacts
    from tables.devices import DeviceTerms
    from tables.preferences import Preferences

    class Outside(Protocol):
        """The ports of the recipient stage."""

        @property
        def reference(self) -> Reference: ...
        @property
        def cipher(self) -> Cipher: ...
        @property
        def renderer(self) -> Renderer: ...
        @property
        def addresses(self) -> Addresses: ...
        @property
        def links(self) -> Links: ...
        @property
        def rules(self) -> Rules: ...
        @property
        def device_terms(self) -> DeviceTerms: ...
        @property
        def account_terms(self) -> AccountTerms | None: ...


Of = Made | Followed | Erased | PreferenceRow | Unsubscribed
Answered = Of | RequestDue | RequestQuarantined | FallbackPlanned | ContactsAsked


class Case(msgspec.Struct, frozen=True):
    """A request and what is known around it. Time in ms."""

    request: RequestReceived
    admitted: Admitted
    preferences: Preferences | None
    contacts: Contacts | None
    now: int
    caps: Caps | None = None
    waited_for: str | None = None
    is_fallback: bool = False
    told: Told | None = None  # how Account Service answered, if it was asked for this
    is_behind: bool = False  # others of the same user and lane wait for it

    @property
    def has_waited(self) -> bool:
        """For an address, which is done once."""
        return self.waited_for == WaitedFor.CONTACT

    @property
    def is_gone(self) -> bool:
        """Its user is deleted, or was since it was asked for: nothing is waited for."""
        return self.contacts is not None and self.contacts.is_deleted

    @property
    def because(self) -> Reason | None:
        """Why its messages come, or come so late, where that must be told."""
        if self.is_fallback:
            return Reason.NOT_SEEN_IN_TIME
        return Reason.QUIET_HOURS if self.waited_for == WaitedFor.QUIET_HOURS else None


async def answer(case: Case, outside: Outside) -> list[Answered]:
    """Everything that follows; the last one is always the decision."""
    kind = case.admitted.kind
    choice = allowed(case, outside)
    if isinstance(choice, ContactsAsked):
        return [choice]
    if isinstance(choice, Later):
        return wait(case.request, kind, choice, case.now)
    if not isinstance(choice, Chosen):
        return [_skipped(case, choice)]
    made, used = await _compose(case, choice, outside)
    if not made:
        tried = ",".join((*choice.channels, *choice.reserve))
        return [_skipped(case, Dropped(Reason.NO_CONTACT, "contacts", tried))]
    accepted = Ended(Outcome.ACCEPTED, _remark(case, used, outside.rules), choice.rule, choice.value)
    return [
        *planned(case, choice, made, used),
        *made,
        decided(case.request, kind, case.now, accepted, used),
    ]


async def answer_unseen(case: Case, plan: FallbackPlanned, outside: Outside) -> list[Answered]:
    """Of messages that nobody saw in time: the next channel, or why there is none; the decision is last."""
    kind = case.admitted.kind
    choice = next_channels(case, plan)
    if isinstance(choice, Chosen):
        choice = cap(case, choice, outside.rules.limits)
    if isinstance(choice, Dropped):
        return [unused(plan, kind, case.now, choice)]
    made, used = await _compose(case, choice, outside)
    if not made:
        return [
            unused(plan, kind, case.now, Dropped(Reason.NO_CONTACT, "contacts", ",".join(choice.reserve)))
        ]
    return [*made, after(decided(plan.request, kind, case.now, used_now(kind), used), plan)]


def unused(
    plan: FallbackPlanned, kind: NotificationType | None, now: int, ended: Ended | Dropped
) -> RequestDecided:
    """The row of a request whose reserve channels stay unused."""
    return after(decided(plan.request, kind, now, not_used(ended)), plan)


def wait(request: RequestReceived, kind: NotificationType | None, later: Later, now: int) -> list[Answered]:
    """The timer, and the row that says until when and for what: `why` must find who waits."""
    reason = Reason.QUIET_HOURS if later.waited_for is WaitedFor.QUIET_HOURS else None
    rule = later.rule or WAITS_BY[later.waited_for]
    due = RequestDue(request=request, due_at=later.due_at, waited_for=later.waited_for)
    return [due, decided(request, kind, now, Ended(Outcome.WAITING, reason, rule, rfc3339(later.due_at)))]


async def _compose(case: Case, choice: Chosen, outside: Outside) -> tuple[list[Made], list[str]]:
    """The messages and their channels: all chosen ones, then reserve ones until something can be sent.

    A reserve channel is for a user whom nothing else reaches (NS-SND-042), not for one more message.
    """
    draft = _draft(case, choice, outside)
    made: list[Made] = []
    used: list[str] = []
    for step, channels in enumerate([choice.channels, *((channel,) for channel in choice.reserve)]):
        for channel in channels:
            messages = await _messages(case, draft, (channel, step), outside)
            made += messages
            used += [channel] if messages else []
        if any(isinstance(one, SendTask) for one in made):
            break
    return made, used


async def _messages(case: Case, draft: Draft, where: tuple[str, int], outside: Outside) -> list[Made]:
    channel, step = where
    contacts = case.contacts or NOBODY
    addresses = contacts.addresses(channel)
    if not addresses:
        return []
    language = case.request.language or contacts.language
    template = await find_template(draft.kind.template_name, channel, language, outside.reference)
    return render_channel(draft, Way(channel, addresses, template, step), outside)


def _draft(case: Case, choice: Chosen, outside: Outside) -> Draft:
    secret = outside.reference.secret_variables(case.admitted.kind.code) or frozenset()
    variables, payload = reveal(case.request.data, secret, outside.cipher)
    spared = quiet_of(case, outside.rules.timezone)
    return Draft(
        request=case.request,
        kind=case.admitted.kind,
        variables=variables,
        payload=veiled(payload, outside.cipher),
        now=case.now,
        expires_at=case.admitted.expires_at,
        is_awaited=is_awaited(case, choice),
        because=case.because,
        quiet=spared.hours if spared else None,
        preferences_version=case.preferences.version if case.preferences else 0,
    )


def _remark(case: Case, used: Iterable[str], rules: Rules) -> Reason | None:
    """What is to be told of an accepted request: that there are too many, or what it had to do without."""
    if is_alarming(case, used, rules.limits):
        return Reason.OVER_LIMIT
    return Reason.ACCOUNT_AWAY if is_stopgap(case) else None


def _skipped(case: Case, why: Dropped | Ended) -> RequestDecided:
    ended = Ended(Outcome.SKIPPED, why.reason, why.rule, why.value) if isinstance(why, Dropped) else why
    return decided(case.request, case.admitted.kind, case.now, ended)


def decided(
    request: RequestReceived,
    kind: NotificationType | None,
    now: int,
    ended: Ended,
    channels: Sequence[str] = (),
) -> RequestDecided:
    """The request's row: its outcome, and the rule and value that decided (NS-DATA-OP-21)."""
    return RequestDecided(
        request_id=request.request_id,
        source=request.source,
        idempotency_key=request.idempotency_key,
        user_id=request.user_id,
        notification_type=request.notification_type,
        category=kind.category if kind else None,
        lane=request.lane,
        received_at=request.received_at,
        decided_at=now,
        outcome=ended.outcome,
        reason=ended.reason,
        rule=ended.rule,
        value=ended.value,
        origin=request.origin,
        channels=list(channels),
        campaign_label=request.campaign_label,
    )
