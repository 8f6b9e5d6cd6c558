"""The mailbox stage: a message in the app is delivered by being kept for its user (NS-CH-050…053).

consumes  vetoes.in_app (Vetoed), channel.in_app.<lane> (SendTask), facts.mailbox (MailboxActed), timers
          (RetryDue) of messages that quiet hours hold
keeps     mailboxes, letters: 7 days, 200 messages; vetoes, cancelled, as every channel does
emits     AttemptEnded: `sent` with the message's entry, `delivered` and `opened` by what clients say;
          RetryDue

Nothing outside is called, so a message enters and is `sent` in one transaction, once. Clients are told by
whoever follows this stage's changelog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from agents import heed
from agents.begin import Moment, begin
from agents.report import ended
from schemas.ids import subject_key
from schemas.mailbox_words import IN_APP_PROVIDER, Act
from schemas.records import AttemptEnded, CallEnded, MailboxActed, ProviderCall, RetryDue, SendTask, Vetoed
from schemas.veto_words import VetoScope
from schemas.words import Status, Verdict
from tables.mailbox import Kept, Mailbox, Terms, letter_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from agents.ports import Reference, Stream, Table

Input = SendTask | RetryDue | MailboxActed | Vetoed
Outcome = AttemptEnded | RetryDue
EMPTY = Mailbox()


class Memory(heed.Memory, frozen=True):
    """The tables of the stage."""

    mailboxes: Table[bytes, Mailbox]
    letters: Table[bytes, SendTask]


async def keep(stream: Stream, memory: Memory, reference: Reference, terms: Terms) -> AsyncIterator[Outcome]:
    """One batch of one mailbox task."""
    async for event in stream:
        value: Input = event.value
        match value:
            case Vetoed():
                forbid(value, memory)
            case MailboxActed():
                for told in act(value, memory):
                    yield told
            case SendTask() | RetryDue():
                task = value.task if isinstance(value, RetryDue) else value
                for outcome in enter(task, memory, reference, (stream.now, terms)):
                    yield outcome
            case _:
                assert_never(value)


def enter(
    task: SendTask, memory: Memory, reference: Reference, rules: tuple[int, Terms]
) -> Iterable[Outcome]:
    """Into the mailbox, unless it is too late, not the hour, or forbidden since it was made."""
    now, terms = rules
    for begun in begin(task, Moment(now=now, providers=[IN_APP_PROVIDER])):
        outcome = heed.heed(begun, memory, reference, now)
        if isinstance(outcome, ProviderCall):
            _put(outcome.task, memory, now, terms)
            yield ended(CallEnded(call=outcome, verdict=Verdict.ACCEPTED), now, Status.SENT)
        elif isinstance(outcome, AttemptEnded | RetryDue):
            yield outcome


def act(acted: MailboxActed, memory: Memory) -> Iterable[AttemptEnded]:
    """What a client said; of a message that is not here, or not any more, it says nothing."""
    key = subject_key(acted.user_id)
    mailbox = memory.mailboxes.get(key)
    if mailbox is None:
        return
    for message_id in acted.message_ids:
        before, mailbox = mailbox, mailbox.mark(message_id, Act(acted.act), acted.at)
        if mailbox is before:
            continue
        task = memory.letters.get(letter_key(acted.user_id, message_id))
        memory.mailboxes.put(key, mailbox, expires_at=mailbox.ends_at)
        if task is not None:
            yield from _told(task, (before.find(message_id), mailbox.find(message_id)), acted.at)


def forbid(veto: Vetoed, memory: Memory) -> None:
    """Keep it for what comes; of an erased user all leaves that was made before."""
    heed.remember(veto, memory)
    key = subject_key(veto.user_id)
    mailbox, vetoes = memory.mailboxes.get(key), memory.vetoes.get(key)
    if veto.scope != VetoScope.USER or mailbox is None or vetoes is None:
        return
    left: list[Kept] = []
    for one in mailbox.kept:
        letter = letter_key(veto.user_id, one.message_id)
        task = memory.letters.get(letter)
        if task is None or vetoes.erases(task):
            memory.letters.delete(letter)
        else:
            left.append(one)
    _store(key, Mailbox(kept=left), memory)


def _put(task: SendTask, memory: Memory, now: int, terms: Terms) -> None:
    key = subject_key(task.user_id)
    before = memory.mailboxes.get(key) or EMPTY
    after = before.put(task.message_id, now, terms)
    if after is before:
        return
    memory.letters.put(letter_key(task.user_id, task.message_id), task, expires_at=now + terms.keep_ms)
    here = {one.message_id for one in after.kept}
    for one in before.kept:
        if one.message_id not in here:
            memory.letters.delete(letter_key(task.user_id, one.message_id))
    _store(key, after, memory)


def _store(key: bytes, mailbox: Mailbox, memory: Memory) -> None:
    if mailbox.kept:
        memory.mailboxes.put(key, mailbox, expires_at=mailbox.ends_at)
    else:
        memory.mailboxes.delete(key)


def _told(task: SendTask, change: tuple[Kept | None, Kept | None], at: int) -> Iterable[AttemptEnded]:
    """The statuses that the message had not reached before; a repeat of the same has the same id."""
    before, after = change
    if before is None or after is None:
        return
    call = CallEnded(call=ProviderCall(task=task, provider=IN_APP_PROVIDER), verdict=Verdict.DELIVERED)
    if after.delivered_at and not before.delivered_at:
        yield ended(call, at, Status.DELIVERED)
    if after.read_at and not before.read_at:
        yield ended(call, at, Status.OPENED)
