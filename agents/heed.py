"""Right before a provider is called: may the message still be sent (NS-PREF-OP-04).

consumes  Vetoed; ProviderCall about to be intended, whatever led to it: first attempt, retry, repeat
asks      which campaigns were withdrawn (CRM-OP-03)
keeps     vetoes, cancelled: until no message that they mean can wait any longer
emits     the call as it is, or AttemptEnded with the rule that decided
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from agents.cancel import WITHDRAWN
from agents.permit import Forbidden, permit
from agents.report import unbegun
from schemas.ids import subject_key
from schemas.records import ProviderCall
from schemas.veto_words import VetoScope
from schemas.words import Reason, Status, UnknownPolicy
from tables.vetoes import Cancelled, Vetoes, key_of

if TYPE_CHECKING:
    from agents.begin import Outcome
    from agents.ports import Reference, Table
    from schemas.records import SendTask, Vetoed

NOTHING = Vetoes()


class Memory(msgspec.Struct, frozen=True):
    """The tables of a delivery stage."""

    vetoes: Table[bytes, Vetoes]
    cancelled: Table[bytes, Cancelled]


def remember(veto: Vetoed, memory: Memory) -> None:
    """Keep a veto; one that is known, or older than what is known, changes nothing."""
    if veto.scope == VetoScope.REQUEST:
        key = key_of(veto.user_id, veto.source or "", veto.request_id or "")
        last = memory.cancelled.get(key)
        if last is None or last.at < veto.at:
            memory.cancelled.put(key, Cancelled(at=veto.at), expires_at=veto.expires_at)
        return
    key = subject_key(veto.user_id)
    before = memory.vetoes.get(key) or NOTHING
    after = before.merge(veto)
    if after is not before:
        memory.vetoes.put(key, after, expires_at=veto.expires_at)


def heed(outcome: Outcome, memory: Memory, reference: Reference, now: int) -> Outcome:
    """The outcome, or the end of its message when something forbids the call. A question sends nothing."""
    if not isinstance(outcome, ProviderCall) or outcome.ask:
        return outcome
    task = outcome.task
    forbidden = _forbidden(task, memory, reference)
    if forbidden is None:
        return outcome
    detail = f"{forbidden.rule} = {forbidden.value}"
    return replace(unbegun(task, now, _status(task, forbidden), forbidden.reason), detail=detail)


def _forbidden(task: SendTask, memory: Memory, reference: Reference) -> Forbidden | None:
    """What decides: its request or campaign, then its user."""
    return _called_off(task, memory, reference) or _unwanted(task, memory, reference)


def _called_off(task: SendTask, memory: Memory, reference: Reference) -> Forbidden | None:
    cancelled = memory.cancelled.get(key_of(task.user_id, task.source, task.request_id))
    if cancelled is not None and cancelled.means(task):
        return Forbidden(Reason.REQUEST_CANCELLED, "requests.cancelled", task.request_id)
    if task.campaign_label is not None and reference.is_withdrawn(task.campaign_label):
        return Forbidden(Reason.CAMPAIGN_WITHDRAWN, WITHDRAWN, task.campaign_label)
    return None


def _unwanted(task: SendTask, memory: Memory, reference: Reference) -> Forbidden | None:
    """The user is gone, or his device, or he chose so since the message was made."""
    vetoes = memory.vetoes.get(subject_key(task.user_id))
    if vetoes is None:
        return None
    if vetoes.erases(task):
        return Forbidden(Reason.USER_ERASED, "contacts.deleted", task.user_id)
    if vetoes.silences(task):
        return Forbidden(Reason.DEVICE_OFF, "devices.is_active", task.device_id or "")
    kind = reference.type(task.notification_type)
    if kind is not None and kind.is_mandatory:
        return None
    named = task.notification_type, task.category, task.channel
    return next((found for one in vetoes.newer_than(task) if (found := permit(*named, one))), None)


CANCELS = frozenset({Reason.REQUEST_CANCELLED, Reason.CAMPAIGN_WITHDRAWN, Reason.USER_ERASED})


def _status(task: SendTask, forbidden: Forbidden) -> Status:
    """Nothing was sent, unless an attempt stayed hidden that was to be repeated: it may have arrived."""
    if task.epoch and task.unknown_policy == UnknownPolicy.REPEAT:
        return Status.UNKNOWN
    return Status.CANCELLED if forbidden.reason in CANCELS else Status.SKIPPED
