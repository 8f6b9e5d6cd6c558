"""The topic catalogue: every topic of the product with key, records, size, retention, writers and readers.

Topics are made from it (`carillon topics create`), the AsyncAPI page and `docs/` are generated from it, and a
test compares it with the topology. Changelogs belong to the engine and are named by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.access_topics import access_topics
from schemas.audience_topics import audience_topics
from schemas.quarantine_topics import quarantine_topics
from schemas.rate_topics import rate_topics
from schemas.receipt_topics import receipt_topics
from schemas.reference_topics import reference_topics
from schemas.spending_topics import spending_topics
from schemas.topics import Form, Partitions, Topic, Use
from schemas.words import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SAW = "What users saw, facts sent to an API again, questions whether a message was seen; key: the user's key."


def catalogue(events: Iterable[str] = t.EVENT_TOPICS, destinations: Iterable[str] = ()) -> tuple[Topic, ...]:
    """Every topic, dead letters included, in the order of the flow.

    `events`: topics of domain events; `destinations`: topics that seen facts go to.
    """
    flow = (
        *_inputs(events),
        *receipt_topics(),
        *_requests(),
        *quarantine_topics(),
        *_channels(),
        *rate_topics(),
        *spending_topics(),
        *_outcomes(),
        *audience_topics(),
        *_outputs(destinations),
        *access_topics(),
        *reference_topics(),
    )
    return (*flow, *(_dead_letters(topic) for topic in flow if topic.is_consumed))


def _inputs(events: Iterable[str]) -> Iterator[Topic]:
    about = "Requests to notify one user (NS-EVT-001)."
    asked = _foreign(t.SEND_REQUEST, r.SendRequest, about, ("other services", "http"))
    yield replace(asked, readers=("intake", "intake-high"))
    about = "Requests taken back by whoever made them."
    yield _foreign(t.CANCEL_REQUEST, r.CancelRequest, about, ("other services", "http"))
    about = "What the APIs of preferences and devices take, in the form of `user.events`."
    yield _foreign(t.PREFERENCE_CHANGES, r.DomainEvent, about, ("http",))
    for name in events:
        about = "Events that rules turn into requests (NS-SND-OP-03)."
        if name == t.USER_EVENTS:
            about = (
                "Events of users: requests by rule, and facts about contacts and preferences (NS-EVT-003)."
            )
        yield _foreign(name, r.DomainEvent, about, ("other services",))


def _foreign(name: str, record: type[r.Record], about: str, writers: tuple[str, ...]) -> Topic:
    """A topic of other services: any key, partitioner and count; the intake re-keys it."""
    return Topic(
        name=name,
        use=Use.PUBLIC_IN,
        key="any",
        records=(record,),
        about=about,
        writers=writers,
        readers=("intake",),
        form=Form.JSON,
        partitions=Partitions.FOREIGN,
    )


def _requests() -> Iterator[Topic]:
    contacts = t.internal(t.CONTACTS, (r.ContactChanged,), "How users can be reached.", ("", "recipient"))
    yield replace(contacts, writers=("intake", "status", "crypto reseal"))
    yield t.internal(t.PREFERENCES, (r.PreferenceChanged,), "Users' choices.", ("intake status", "recipient"))
    said = (r.DeviceChanged, r.TokenClaimed)
    about = "Devices that take pushes, switched off when one refuses; claims of a token by its hash."
    devices = t.internal(t.DEVICES, said, about, ("", "recipient"))
    yield replace(devices, writers=("intake", "recipient", "delivery-push", "crypto reseal"))
    saw = (r.SeenPosted, r.SeenParcel, r.FallbackAsked)
    yield t.internal(t.SEEN, saw, SAW, ("http status", "seen"))
    yield t.internal(t.MAILBOX, (r.MailboxActed,), "What users did in the app.", ("http", "mailbox"))
    yield t.internal(t.CANCELS, (r.CancelAsked,), "Requests taken back.", ("intake", "recipient"))
    for lane in Lane:
        about = f"Requests of the {lane} lane."
        asked = (r.RequestReceived, r.FallbackGranted, r.RequestFreed)
        yield t.internal(
            t.request_topic(lane), asked, about, ("intake intake-high status quarantine", "recipient")
        )


def _channels() -> Iterator[Topic]:
    for channel in t.DELIVERED_CHANNELS:
        is_provided = channel in t.PROVIDED_CHANNELS
        reader = f"delivery-{channel}" if is_provided else "mailbox"
        for lane in Lane:
            about = f"Messages for {channel}, {lane} lane (GEN-004)."
            writers = "recipient trials" if lane is Lane.NORMAL and is_provided else "recipient"
            yield t.internal(t.channel_topic(channel, lane), (r.SendTask,), about, (writers, reader))
        about = f"What must not be sent by {channel} any more (NS-PREF-OP-04)."
        yield t.internal(t.veto_topic(channel), (r.Vetoed,), about, ("recipient", reader))


def _outcomes() -> Iterator[Topic]:
    happened = (
        r.RequestDecided,
        r.MessageQueued,
        r.AttemptEnded,
        r.FallbackPlanned,
        r.MessageSeen,
        r.FallbackAsked,
        *(r.Unsubscribed, r.PersonErased, r.ReceiptHeard, r.ReceiptsAsked),
    )
    writers = "intake recipient trials delivery-email delivery-sms delivery-push mailbox seen"
    yield t.internal(t.OUTCOMES, happened, "What became of requests and messages.", (writers, "status"))
    rows = (
        *(r.RequestDecided, r.MessageRow, r.StatusLogged, r.LabelChanged, r.PreferenceRow, r.DeviceRow),
        *(r.StatsRow, r.PersonErased),
    )
    about = "Rows for Postgres; labels by their name, statistics by their bucket."
    yield t.internal(t.ROWS, rows, about, ("recipient status audience stats", "sink"))
    yield Topic(
        name=t.PARTIALS,
        use=Use.INTERNAL,
        key="window and dimensions",
        records=(r.StatsPartial, r.LabelPartial),
        about="Counts of one batch: of messages, and of users of labels.",
        writers=("status", "members"),
        readers=("stats",),
        extra=t.OURS,
    )


def _outputs(destinations: Iterable[str]) -> Iterator[Topic]:
    yield Topic(
        name=t.EVENTS,
        use=Use.PUBLIC_OUT,
        key=t.SUBJECT_KEY,
        records=(r.NotificationEvent,),
        about="Every change of a message's status (NS-EVT-020).",
        writers=("status",),
        readers=("other services",),
        form=Form.JSON,
    )
    yield Topic(
        name=t.STATS,
        use=Use.PUBLIC_OUT,
        key="period, timestamp and dimensions",
        records=(r.StatsRecord,),
        about="Aggregates; the last value of a key wins (NS-EVT-030).",
        writers=("stats",),
        readers=("analysts",),
        form=Form.JSON,
        retention_ms=None,
        extra=t.COMPACTED,
    )
    yield Topic(
        name=t.SEEN_FAILED,
        use=Use.PUBLIC_OUT,
        key="the seen user's key",
        records=(r.SeenFailed,),
        about="Facts that no API took (SEEN-OP-16); `carillon seen redrive` sends them again.",
        writers=("seen",),
        readers=("seen redrive",),
        form=Form.JSON,
        retention_ms=30 * t.DAY_MS,
    )
    yield Topic(
        name=t.SEEN_REDRIVEN,
        use=Use.PUBLIC_OUT,
        key="topic, partition, offset and time of a fact that was sent again",
        records=(),
        about="What `carillon seen redrive` has sent again, so that it sends nothing twice.",
        writers=("seen redrive",),
        readers=("seen redrive",),
        form=Form.RAW,
        partitions=Partitions.ONE,
        retention_ms=31 * t.DAY_MS,
    )
    for name in (*dict.fromkeys(destinations), t.SEEN_UNKNOWN):
        yield Topic(
            name=name,
            use=Use.PUBLIC_OUT,
            key="the seen user's key",
            records=(r.SeenFact,),
            about="Facts whose tag nobody configured."
            if name == t.SEEN_UNKNOWN
            else "Seen facts (SEEN-OP-10).",
            writers=("seen",),
            readers=("seen redrive",) if name == t.SEEN_UNKNOWN else ("consumer services",),
            form=Form.JSON,
            retention_ms=t.DAY_MS if name == t.SEEN_UNKNOWN else 7 * t.DAY_MS,
        )


def _dead_letters(source: Topic) -> Topic:
    return Topic(
        name=t.dead_letter_topic(source.name),
        use=Use.DEAD_LETTERS,
        key="as in the source topic",
        records=(),
        about=f"Records of {source.name} that cannot be read, with the reason in headers.",
        writers=source.readers,
        readers=("dlq list", "dlq redrive"),
        form=Form.RAW,
        partitions=Partitions.ONE,
        retention_ms=30 * t.DAY_MS,
        extra={"max.message.bytes": str(t.RECORD_BYTES + t.DEAD_LETTER_ROOM)},
    )
