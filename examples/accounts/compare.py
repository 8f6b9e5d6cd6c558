"""The books: each check puts two multisets of ids side by side. They balance when all of them are equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from examples.accounts.decide import BEFORE_THE_CHANNEL, Key, Message
from examples.accounts.erased import nameless
from examples.accounts.expected import Expected
from examples.accounts.found import Call, Found, MessageRow

REACHED = {"sent", "delivered"}
TAKEN = {"sent": "accepted", "delivered": "delivered", "unknown": "accepted"}
"""Status of a row → the word by which the provider took it."""
CHAINS = {status: (status,) for status in ("sent", "failed", "unknown")} | {
    "delivered": ("sent", "delivered")
}
LEFT = "unsubscribed"
OUTCOME_EVENTS = {"repeated": "skipped"}  # told under another name (NS-EVT-OP-04 knows no `repeated`)


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison by id."""

    name: str
    wanted: Counter[Hashable]
    got: Counter[Hashable]

    @property
    def missing(self) -> list[Hashable]:
        """What should be there and is not."""
        return sorted((self.wanted - self.got).elements(), key=repr)

    @property
    def surplus(self) -> list[Hashable]:
        """What is there and should not be."""
        return sorted((self.got - self.wanted).elements(), key=repr)


def check(name: str, wanted: Iterable[Hashable], got: Iterable[Hashable]) -> Check:
    """Two multisets under a name."""
    return Check(name, Counter(wanted), Counter(got))


def compare(expected: Expected, found: Found) -> list[Check]:
    """All checks, in the order in which a request travels."""
    expected, found = nameless(expected, found)
    keys = {row.request_id: row.key for row in found.requests}
    return [
        *_requests(expected, found),
        *_messages(expected, found, keys),
        *_channel_topics(expected, found),
        *_providers(expected, found, keys),
        *_events(expected, found),
        *_statistics(found),
        *_others(expected, found),
    ]


def _requests(expected: Expected, found: Found) -> list[Check]:
    wanted = [(*key, *ending) for key, endings in expected.endings.items() for ending in endings.elements()]
    got = [(*row.key, row.outcome, row.reason) for row in found.requests]
    named = {(row.request_id, *row.key) for row in found.requests if row.request_id in expected.named}
    lanes = {(*row.key, row.lane) for row in found.requests if row.key in expected.lanes}
    return [
        check("requests by source, user and key (Postgres)", wanted, got),
        check("request ids given by producers (Postgres)", _named(expected), named),
        check("lanes (Postgres)", [(*key, lane) for key, lane in expected.lanes.items()], lanes),
    ]


def _named(expected: Expected) -> list[Hashable]:
    return [(request_id, *key) for request_id, key in expected.named.items()]


def _each(expected: Expected) -> list[tuple[Key, Message]]:
    return [(key, message) for key, made in expected.messages.items() for message in made]


def _messages(expected: Expected, found: Found, keys: dict[str, Key]) -> list[Check]:
    wanted = [(*key, m.channel, *m.ending) for key, m in _each(expected)]
    got = [(*keys.get(row.request_id, ("?",)), row.channel, *_ending(row)) for row in found.messages]
    told_once = Counter(
        (row.message_id, status) for row in found.messages for status in CHAINS.get(row.status, ())
    )
    logged = Counter({fact: many for fact, many in found.logs.items() if fact[1] in CHAINS})
    return [
        check("messages by key, channel and ending (Postgres)", wanted, got),
        check(
            "status log: each status of a message once (Postgres)", told_once.elements(), logged.elements()
        ),
    ]


def _ending(row: MessageRow) -> tuple[str, str | None]:
    return ("reached", None) if row.status in REACHED else (row.status, row.reason)


def _channel_topics(expected: Expected, found: Found) -> list[Check]:
    queued = [(key, m) for key, m in _each(expected) if m.ending[1] not in BEFORE_THE_CHANNEL]
    rows = [row.message_id for row in found.messages if row.reason not in BEFORE_THE_CHANNEL]
    return [
        check(
            "send tasks by key and channel (channel topics)",
            [(*key, m.channel) for key, m in queued],
            [(*task.key, task.channel) for task in found.tasks],
        ),
        check(
            "one send task for each message (channel topics)", rows, [task.message_id for task in found.tasks]
        ),
    ]


def _providers(expected: Expected, found: Found, keys: dict[str, Key]) -> list[Check]:
    owner = {row.message_id: keys.get(row.request_id, ("?",)) for row in found.messages}
    taken = [call for call in found.calls if call.is_taken]
    reached = [row for row in found.messages if row.status in TAKEN]
    return [
        check(
            "messages by key, channel and address (providers' ledger)",
            [(*key, m.channel, m.address) for key, m in _each(expected) if m.is_taken],
            [(*owner.get(call.message_id, ("?",)), call.channel, call.recipient) for call in taken],
        ),
        check(
            "each message taken once, as its row says (providers' ledger)",
            [(row.message_id, TAKEN[row.status]) for row in reached],
            [(call.message_id, _word(call)) for call in taken],
        ),
    ]


def _word(call: Call) -> str:
    """By what the sender can know of it: SMTP says that a mail was taken, never that it was delivered."""
    return "accepted" if call.channel == "email" else call.verdict


def _events(expected: Expected, found: Found) -> list[Check]:
    of_users = [one for one in found.told if one.event_type == LEFT]
    of_messages = [one for one in found.told if one.channel is not None and one.event_type != LEFT]
    of_requests = [one for one in found.told if one.channel is None and one.event_type != LEFT]
    chains = [
        (row.message_id, status) for row in found.messages for status in CHAINS.get(row.status, (row.status,))
    ]
    wanted = [
        (*key, OUTCOME_EVENTS.get(outcome, outcome), reason)
        for key, endings in expected.endings.items()
        for outcome, reason in endings.elements()
        if outcome != "accepted"
    ]
    return [
        check(
            "one event for each status of a message (notification.events)",
            chains,
            [(one.message_id, one.event_type) for one in of_messages],
        ),
        check(
            "one event for each request without a message (notification.events)",
            wanted,
            [(*one.key, one.event_type, one.reason) for one in of_requests],
        ),
        check(
            "one event for each time a user left a channel (notification.events)",
            expected.left,
            [(one.key[1], one.channel) for one in of_users],
        ),
    ]


def _statistics(found: Found) -> list[Check]:
    events = Counter(one.event_type for one in found.told)
    return [check("sums of the hour records (notification.stats)", events.elements(), found.stats.elements())]


def _others(expected: Expected, found: Found) -> list[Check]:
    topics = sorted(expected.seen.keys() | found.seen.keys())
    none: Counter[str] = Counter()
    return [
        check("dead letters by topic and line (*.dlq)", expected.dead, found.dead.elements()),
        *(
            check(
                f"seen facts ({topic})",
                expected.seen.get(topic, none).elements(),
                found.seen.get(topic, none).elements(),
            )
            for topic in topics
        ),
    ]
