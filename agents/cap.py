"""How often one user is written to: beyond the limits nothing that is not mandatory is sent.

consumes  a request about to become messages, what was sent to its user before
keeps     caps: by `count`, when messages were made
emits     the choice with the channels that may be used, or `Dropped` with the limit that decided

Rules: NS-SEC-OP-05, by user and channel, mandatory types only counted; NS-CAMP-032, marketing by user, one
request once on however many channels; CRM-OP-14, campaigns of other types in the same count, where that is
switched on. The rest is skipped and never delayed: stale news pile up otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.choose import Chosen, Dropped
from agents.remember import NOBODY
from schemas.ids import subject_key
from schemas.records import SendTask
from schemas.words import Category, Reason
from tables.caps import DAY_MS, WEEK_MS, Caps, Limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.answer import Answered, Case
    from agents.ports import Table
    from tables.caps import Over

NOTHING_SENT = Caps()
NO_LIMITS = Limits()


def cap(case: Case, choice: Chosen, limits: Limits) -> Chosen | Dropped:
    """What the limits leave of the choice. A channel without an address counts neither way."""
    known, kind = case.caps or NOTHING_SENT, case.admitted.kind
    if kind.is_mandatory:
        return choice
    if _is_campaign(case, limits):
        over = known.over_marketing(limits, case.now)
        if over:
            return _dropped(over, str(over.most))
    full = {c: over for c in (*choice.channels, *choice.reserve) if (over := known.over(c, limits, case.now))}
    if not full:
        return choice
    contacts = case.contacts or NOBODY
    reached = [c for c in choice.channels if contacts.addresses(c)]
    wanted = reached or [c for c in choice.reserve if contacts.addresses(c)]
    if wanted and all(c in full for c in wanted):
        return _dropped(full[wanted[0]], ",".join(wanted))
    channels, reserve = _without(choice.channels, full), _without(choice.reserve, full)
    cut = next((c for c in wanted if c in full), None)
    if cut is None:
        return Chosen(channels, reserve, choice.rule, choice.value)
    return Chosen(channels, reserve, f"recipients.{full[cut].rule}", cut)


def is_alarming(case: Case, used: Iterable[str], limits: Limits) -> bool:
    """Whether these channels get more of what is mandatory than the limits allow: it is sent, and told."""
    known = case.caps or NOTHING_SENT
    return case.admitted.kind.is_mandatory and any(known.over(f"!{c}", limits, case.now) for c in used)


def count(case: Case, answered: Iterable[Answered], caps: Table[bytes, Caps], limits: Limits) -> None:
    """Remember what is sent of a request for the next one; nothing when nothing is sent or limited."""
    channels = list(dict.fromkeys(one.channel for one in answered if isinstance(one, SendTask)))
    if not channels or limits._replace(campaigns=False) == NO_LIMITS:
        return
    kind, known = case.admitted.kind, case.caps or NOTHING_SENT
    mark = "!" if kind.is_mandatory else ""
    after = known.with_sent([mark + channel for channel in channels], limits, case.now)
    if _is_campaign(case, limits):
        after = after.with_marketing(limits, case.now)
    expires_at = case.now + (WEEK_MS if after.marketing else DAY_MS)
    caps.put(subject_key(case.request.user_id), after, expires_at=expires_at)


def _is_campaign(case: Case, limits: Limits) -> bool:
    """What takes a place of marketing: it, and if so set all that belongs to a campaign (CRM-OP-14)."""
    kind = case.admitted.kind
    if kind.is_mandatory or case.is_fallback:
        return False
    return kind.category == Category.MARKETING or (limits.campaigns and bool(case.request.campaign_label))


def _dropped(over: Over, value: str) -> Dropped:
    return Dropped(Reason.FREQUENCY_CAPPED, f"recipients.{over.rule}", value)


def _without(channels: tuple[str, ...], full: dict[str, Over]) -> tuple[str, ...]:
    return tuple(channel for channel in channels if channel not in full)
