"""The picture of the pipeline: which stage reads, keeps and writes what. Read it from top to bottom.

    others, POST /send ─ intake ─► request.*, facts.* ─ recipient ─► channel.*.* ─ delivery-* ─► outcomes
    the same, what says high ─ intake-high ─► request.*  (it overtakes what the intake has not read yet)
    facts.preferences ─ recipient ─► vetoes.* ─ delivery-*  (what must not be sent any more); rows
    facts.devices (also of a push that was refused) ─ recipient ─► facts.devices (whose is the token?); rows
    recipient ─ GET contacts of Account Service ─► recipient
    channel.in_app.*, facts.mailbox ─ mailbox ─► outcomes; its changelog ─► HTTP
    facts.contacts (of a deletion) ─ recipient ─► vetoes.*, outcomes, facts.labels  (who is erased)
    workers ─► flows.counts ─ quarantine ─► flows.anomalies ─► workers  (far more than there used to be?)
    recipient ─► request.quarantine ─ quarantine ─► request.*  (what waits for an admin)
    delivery-* ─► rates.demands ─ rates ─► rates.grants ─► delivery-*  (calls that wait for a provider's rate)
    delivery-* ─► spending.costs ─ spending ─► spending.sums ─► delivery-*  (which budgets are spent)
    workers (status) ─► receipts.counts ─► workers (delivery-*)  (whose receipts are slow?)
    POST /webhooks ─► provider.receipts ─ intake ─► outcomes ─ status ─► facts.{contacts,preferences}
    outcomes ─ status ─► notification.events, stats.partials, rows ─ sink ─► Postgres
    stats.partials ─ stats ─► notification.stats, audience.stats
    POST /seen ─► facts.seen ─ seen ─► seen.<destination>, APIs of consumers, seen.failed; outcomes (receipts)
    status ─► facts.seen ─ seen ─► outcomes ─ status ─► provider.receipts ─ intake ─► outcomes ─ status
    ─► request.*  (seen in time? else the next channel)
    POST /publish ─► audience.{commands,users} ─ audience ─► facts.labels ─ members; audience.answers, rows
    members ─► stats.partials  (labelled, seen, withdrawn)

`build` takes the outside as a value, so it can run twice in one process. Table numbers are part of stored
keys: never change or reuse one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from agents.deliver import deliver
from agents.heed import Memory as Forbidden
from agents.ports import NoHolds, Rules
from agents.recipient import Memory, recipient
from agents.serve import ALL_WELL
from connectors.metrics import ReceiptMetrics
from schemas import records as r
from schemas import topics as t
from schemas.ids import bucket_key
from streams.audiences import audiences
from streams.engine.api import Input, Stage, ToCount
from streams.intake import intake_stages
from streams.leases import rates_stage
from streams.mailbox import mailbox_stage
from streams.quarantine import quarantine_stage, quarantined_key
from streams.routes import (
    contacts_call,
    lanes,
    nobody_asks,
    nothing,
    planned_for,
    provider_call,
    recipient_timer,
    timer,
    vetoes,
)
from streams.seen import seen_stage
from streams.spending import scope_key, spending_stage
from streams.stages import DELIVERY
from streams.telling import sink_stage, stats_stage, status_stage
from streams.wiring import Reading, WaitingCipher, to
from tables.asking import Asking
from tables.caps import Caps
from tables.contacts import Contacts
from tables.devices import Devices, DeviceTerms, Owner, owner_key
from tables.pending import Pending
from tables.preferences import Preferences
from tables.requests import Taken
from tables.vetoes import Cancelled, Vetoes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from agents.ask_account import AccountTerms
    from agents.ports import Addresses, Cipher, Flows, Links, Reference, Renderer
    from agents.serve import Choice
    from connectors.audience_metrics import AudienceMetrics
    from connectors.consumers import Consumers
    from connectors.request_metrics import RequestMetrics
    from connectors.seen_metrics import SeenMetrics
    from schemas.codec import SchemaBook
    from schemas.punctuality import SendTimed
    from schemas.words import Channel
    from streams.engine.api import SinkWriter
    from streams.settings import Settings


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything the stages need that is not a value: made in `streams/outside.py`, faked in tests."""

    reading: Reading
    book: SchemaBook
    ignored_fields: Callable[[str], Callable[[int], object]]
    reference: Reference
    cipher: Cipher
    renderer: Renderer
    addresses: Addresses
    links: Links
    perform: Callable[[r.ProviderCall], Awaitable[r.CallEnded]]
    sink: SinkWriter
    consumers: Consumers
    figures: SeenMetrics
    audience_figures: AudienceMetrics
    request_figures: RequestMetrics
    rules: Rules = NO_RULES
    choice: Choice = ALL_WELL
    device_terms: DeviceTerms = field(default_factory=DeviceTerms)
    account_terms: AccountTerms | None = None
    ask_account: Callable[[r.ContactsAsked], Awaitable[r.ContactsAnswered]] = nobody_asks
    receipt_figures: ReceiptMetrics = field(default_factory=lambda: ReceiptMetrics(CollectorRegistry()))
    gate: Callable[[r.ProviderCall], Awaitable[None] | None] | None = None
    count_flow: Callable[[r.RequestReceived], None] = nothing
    count_receipt: Callable[[SendTimed], None] = nothing
    flows: Flows = field(default_factory=NoHolds)


def build(settings: Settings, outside: Outside, events: Iterable[str] = t.EVENT_TOPICS) -> tuple[Stage, ...]:
    """All stages, in the order in which a request meets them."""
    return (
        *intake_stages(settings, outside, events),
        _recipient(settings, replace(outside, cipher=WaitingCipher(outside.cipher))),
        quarantine_stage(settings, outside),
        *(_delivery(settings, outside, channel) for channel in t.PROVIDED_CHANNELS),
        mailbox_stage(settings, outside),
        rates_stage(settings, outside),
        spending_stage(settings, outside),
        status_stage(settings, outside),
        stats_stage(settings, outside),
        seen_stage(settings, outside),
        *audiences(settings, outside.reading, outside.audience_figures),
        sink_stage(settings, outside),
    )


def _recipient(settings: Settings, outside: Outside) -> Stage:
    read, engine = outside.reading.records, settings.engine
    asked = read(r.RequestReceived, r.FallbackGranted, r.RequestFreed)
    requests = lanes(settings, t.request_topic, asked, first=1)
    return Stage(
        name="recipient",
        inputs=(
            Input(t.CONTACTS, read(r.ContactChanged), lane=0, urgent=True),
            Input(t.PREFERENCES, read(r.PreferenceChanged), lane=0, urgent=True),
            Input(t.DEVICES, read(r.DeviceChanged, r.TokenClaimed), lane=0, urgent=True, notices=True),
            Input(t.CANCELS, read(r.CancelAsked), lane=0, urgent=True),
            *requests,
        ),
        agent=lambda stream, tables: recipient(
            stream, Memory(**{name: tables[name] for name in Memory.__struct_fields__}), outside
        ),
        routes={
            r.ContactsAsked: (contacts_call(settings, outside.reading, outside.ask_account),),
            **dict.fromkeys(
                (r.RequestDue, r.RequestOff, r.DevicesDue, r.DevicesOff), (recipient_timer(outside.reading),)
            ),
            r.RequestQuarantined: (to(t.QUARANTINE, key=quarantined_key),),
            r.RequestDecided: (to(t.OUTCOMES, same_partition=True), ToCount(outside.request_figures.decided)),
            r.FallbackPlanned: (to(t.OUTCOMES, key=planned_for, same_partition=True),),
            r.MessageQueued: (to(t.OUTCOMES, same_partition=True),),
            r.SendTask: (to(lambda task: t.channel_topic(task.channel, task.lane), same_partition=True),),
            r.PreferenceRow: (to(t.ROWS, same_partition=True),),
            r.Unsubscribed: (to(t.OUTCOMES, same_partition=True),),
            r.DeviceRow: (to(t.ROWS, same_partition=True),),
            r.DeviceChanged: (to(t.DEVICES),),
            r.TokenClaimed: (to(t.DEVICES, key=lambda claimed: owner_key(claimed.token_hash)),),
            r.PersonErased: (to(t.OUTCOMES, same_partition=True),),
            r.ViewerForgotten: (to(t.LABELLED, key=lambda gone: bucket_key(gone.bucket)),),
            r.Vetoed: tuple(to(t.veto_topic(each), same_partition=True) for each in t.DELIVERED_CHANNELS),
        },
        tables=(
            outside.reading.table("requests", 1, Taken),
            outside.reading.table("contacts", 2, Contacts),
            outside.reading.table("preferences", 3, Preferences),
            outside.reading.table("pending", 4, Pending),
            outside.reading.table("caps", 5, Caps),
            outside.reading.table("devices", 6, Devices),
            outside.reading.table("owners", 7, Owner),
            outside.reading.table("asking", 8, Asking),
        ),
        min_interval_ms=engine.interval_normal_ms,
        max_batch=engine.max_batch,
    )


def _delivery(settings: Settings, outside: Outside, channel: Channel) -> Stage:
    read, table = outside.reading.records, outside.reading.table
    waiting = lanes(settings, lambda lane: t.channel_topic(channel, lane), read(r.SendTask), first=1)
    return Stage(
        name=DELIVERY[channel],
        inputs=(vetoes(settings, t.veto_topic(channel), read(r.Vetoed)), *waiting),
        agent=lambda stream, tables: deliver(
            stream, Forbidden(tables["vetoes"], tables["cancelled"]), outside.reference, outside.choice
        ),
        routes={
            r.ProviderCall: (provider_call(settings, outside.reading, outside.perform, outside.gate),),
            r.RetryDue: (timer(outside.reading, r.RetryDue, lambda due: due.task.message_id),),
            r.AttemptEnded: (to(t.OUTCOMES, same_partition=True),),
            r.DeviceChanged: (to(t.DEVICES),),
            r.CostIncurred: (to(t.SPENDING_COSTS, key=scope_key),),
        },
        tables=(table("vetoes", 1, Vetoes), table("cancelled", 2, Cancelled)),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )
