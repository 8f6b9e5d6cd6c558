"""The mailbox stage: what it reads, keeps and writes; and what HTTP processes read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.keep import Memory, keep
from schemas import records as r
from schemas import topics as t
from schemas.words import Channel, Lane
from streams.engine.api import Input, Stage
from streams.routes import lanes, timer, vetoes
from streams.wiring import to
from tables.mailbox import DAY_MS, Mailbox, Terms
from tables.vetoes import Cancelled, Vetoes

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.topology import Outside

MAILBOX = "mailbox"
MAILBOXES, LETTERS = 3, 4
"""Numbers of the tables that HTTP processes follow."""
BESIDE_NORMAL = 2
"""Clicks of a whole audience keep no high message waiting, and wait for no bulk."""
MAILBOX_INPUTS = {
    MAILBOX: (
        t.veto_topic(Channel.IN_APP),
        t.MAILBOX,
        *(t.channel_topic(Channel.IN_APP, lane) for lane in Lane),
    )
}


def mailbox_stage(settings: Settings, outside: Outside) -> Stage:
    """Messages in the app are kept for their users (agents/keep.py)."""
    read, table = outside.reading.records, outside.reading.table
    terms = Terms(settings.mailbox.keep_days * DAY_MS, settings.mailbox.most)
    waiting = lanes(settings, lambda lane: t.channel_topic(Channel.IN_APP, lane), read(r.SendTask), first=1)
    return Stage(
        name=MAILBOX,
        inputs=(
            vetoes(settings, t.veto_topic(Channel.IN_APP), read(r.Vetoed)),
            Input(t.MAILBOX, read(r.MailboxActed), lane=BESIDE_NORMAL),
            *waiting,
        ),
        agent=lambda stream, tables: keep(
            stream,
            Memory(**{name: tables[name] for name in Memory.__struct_fields__}),
            outside.reference,
            terms,
        ),
        routes={
            r.RetryDue: (timer(outside.reading, r.RetryDue, lambda due: due.task.message_id),),
            r.AttemptEnded: (to(t.OUTCOMES, same_partition=True),),
        },
        tables=(
            table("vetoes", 1, Vetoes),
            table("cancelled", 2, Cancelled),
            table("mailboxes", MAILBOXES, Mailbox),
            table("letters", LETTERS, r.SendTask),
        ),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )
