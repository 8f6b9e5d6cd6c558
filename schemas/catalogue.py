"""The topic catalogue: every topic of the product with key, records, size, retention, writers and readers.

Topics are made from it (`carillon topics create`), the AsyncAPI page and `docs/` are generated from it, and a
test compares it with the topology. Changelogs belong to the engine and are named by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.topics import Form, Partitions, Topic, Use
from schemas.words import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OURS = {"message.timestamp.type": "LogAppendTime"}
SAW = "What users saw, and facts that are sent to an API again; key: the seen user's key."
_COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"}


def catalogue(events: Iterable[str] = t.EVENT_TOPICS, destinations: Iterable[str] = ()) -> tuple[Topic, ...]:
    """Every topic, dead letters included, in the order of the flow.

    `events`: topics of domain events; `destinations`: topics that seen facts go to.
    """
    flow = (
        *_inputs(events),
        *_requests(),
        *_channels(),
        *_outcomes(),
        *_audience(),
        *_outputs(destinations),
        *_reference(),
    )
    return (*flow, *(_dead_letters(topic) for topic in flow if topic.is_consumed))


def _inputs(events: Iterable[str]) -> Iterator[Topic]:
    about = "Requests to notify one user (NS-EVT-001)."
    yield _foreign(t.SEND_REQUEST, r.SendRequest, about, ("other services", "http"))
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


def _internal(name: str, records: tuple[type[r.Record], ...], about: str, ways: tuple[str, str]) -> Topic:
    """A topic between two stages, keyed by the user; `ways`: writers and readers, in words."""
    return Topic(
        name=name,
        use=Use.INTERNAL,
        key=t.SUBJECT_KEY,
        records=records,
        about=about,
        writers=tuple(ways[0].split()),
        readers=tuple(ways[1].split()),
        extra=_OURS,
    )


def _requests() -> Iterator[Topic]:
    yield _internal(t.CONTACTS, (r.ContactChanged,), "How users can be reached.", ("intake", "recipient"))
    yield _internal(t.PREFERENCES, (r.PreferenceChanged,), "What users chose.", ("intake", "recipient"))
    yield _internal(t.SEEN, (r.SeenPosted, r.SeenParcel), SAW, ("http", "seen"))
    for lane in Lane:
        about = f"Requests of the {lane} lane."
        yield _internal(t.request_topic(lane), (r.RequestReceived,), about, ("intake", "recipient"))


def _channels() -> Iterator[Topic]:
    for channel in t.DELIVERED_CHANNELS:
        for lane in Lane:
            about = f"Messages for {channel}, {lane} lane (GEN-004)."
            ways = ("recipient", f"delivery-{channel}")
            yield _internal(t.channel_topic(channel, lane), (r.SendTask,), about, ways)


def _outcomes() -> Iterator[Topic]:
    happened = (r.RequestDecided, r.MessageQueued, r.AttemptEnded)
    writers = "intake recipient delivery-email delivery-sms delivery-push"
    yield _internal(t.OUTCOMES, happened, "What became of requests and messages.", (writers, "status"))
    rows = (r.RequestDecided, r.MessageRow, r.StatusLogged, r.LabelChanged)
    yield _internal(t.ROWS, rows, "Rows for Postgres; labels by their name.", ("status audience", "sink"))
    yield Topic(
        name=t.PARTIALS,
        use=Use.INTERNAL,
        key="window and dimensions",
        records=(r.StatsPartial,),
        about="Counts of one batch of the status stage.",
        writers=("status",),
        readers=("stats",),
        extra=_OURS,
    )


def _audience() -> Iterator[Topic]:
    """Commands and counts go to the one task that decides on labels, users to the members by bucket."""
    commands = (r.AudiencePublished, r.UsersUploaded, r.AudienceWithdrawn)
    about = "Requests about audiences, each with its users in one transaction (AUD-OP-21)."
    decided = _internal(t.AUDIENCE_COMMANDS, commands, about, ("http", "audience"))
    yield replace(decided, key="campaign label", partitions=Partitions.ONE)
    about = "How many users of a request have their label."
    counted = _internal(t.AUDIENCE_PROGRESS, (r.UsersCounted,), about, ("members", "audience"))
    yield replace(counted, key="audience label", partitions=Partitions.ONE)
    about = "Users and the labels they get, labels that are taken away (AUD-123), what users saw (GEN-OP-08)."
    told = (r.UsersLabelled, r.LabelsEnded, r.CommunicationSeen)
    users = _internal(t.LABELLED, told, about, ("audience seen", "members"))
    yield replace(users, key="`bucket:<n>`, a share of all users")
    yield Topic(
        name=t.AUDIENCE_ANSWERS,
        use=Use.REFERENCE,
        key="upload id",
        records=(r.AudienceAnswered,),
        about="Answers to requests about audiences, read by every HTTP process from its start on.",
        writers=("audience",),
        readers=("http",),
        form=Form.JSON,
        partitions=Partitions.ONE,
        retention_ms=t.HOUR_MS,
        extra=_OURS,
    )
    yield Topic(
        name=t.AUDIENCE_LABELS,
        use=Use.REFERENCE,
        key="`label:<audience label>` or `request:<request id>`",
        records=(r.AudienceLabel, r.RequestProgress),
        about="Every label with its dates and progress, and the progress of recent requests (CRM-OP-04).",
        writers=("audience",),
        readers=("http",),
        form=Form.JSON,
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=_COMPACTED,
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
        extra=_COMPACTED,
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


def _reference() -> Iterator[Topic]:
    yield Topic(
        name=t.REFERENCE,
        use=Use.REFERENCE,
        key="`<kind>:<name>`",
        records=(
            r.NotificationType,
            r.Template,
            r.Rule,
            r.Provider,
            r.SeenTag,
            r.Communication,
            r.AudienceFilter,
            r.Experiment,
        ),
        about="Types, templates, rules, providers, tags, what audiences need; read whole by all.",
        writers=("apply", "relay"),
        readers=("intake", "recipient", "delivery", "seen", "http"),
        form=Form.JSON,
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=_COMPACTED,
    )
    yield Topic(
        name=t.SCHEMAS,
        use=Use.REFERENCE,
        key="fingerprint, 8 bytes",
        records=(),
        about="Avro schemas of all writers, by fingerprint.",
        writers=("every worker",),
        readers=("every worker",),
        form=Form.RAW,
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=_COMPACTED,
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
