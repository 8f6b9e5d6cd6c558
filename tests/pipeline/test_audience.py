"""A publish body through the real stages, engine tables and bytes of topics included, without a broker."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.http.audience.bodies import UnpublishBody
from connectors.http.audience.commands import Asking, Upload, digest_of, publication, withdrawal
from connectors.http.audience.reading import Reader
from schemas import topics as t
from schemas.codec import SchemaBook, encode
from schemas.records import AudienceAnswered, AudienceLabel
from streams.audience_edge import LabelBook
from streams.audiences import audience, members
from streams.engine import inner
from streams.engine.api import LATER, Event
from streams.settings import Settings
from streams.wiring import Reading
from tables.memberships import Memberships
from tests.unit.connectors.http.audience.publishing import published, read, whole
from tests.unit.streams.engine.desks import NOW, TASK, Bench, Written

UNPUBLISH = Reader(UnpublishBody)


async def _never() -> bool:
    return False


def event(topic: str, raw: bytes | None, key: bytes = b"") -> Event:
    return Event(LATER, key, NOW, (), topic, TASK, 0, raw)


@dataclass
class Line:
    """The two stages, what lies between them, and what others read."""

    stages: dict[str, Bench] = field(default_factory=dict)
    waiting: dict[str, deque[Event]] = field(default_factory=dict)
    book: LabelBook = field(default_factory=LabelBook)
    answers: list[AudienceAnswered] = field(default_factory=list)
    rows: list[Written] = field(default_factory=list)

    def __post_init__(self) -> None:
        reading = Reading(SchemaBook(), _never)
        for stage in (audience(Settings(), reading), members(Settings(), reading)):
            self.stages[stage.name] = Bench(stage)
            self.waiting[stage.name] = deque()

    async def publish(self, upload: Upload) -> AudienceAnswered:
        """One transaction of the edge, and all that follows from it; its answer."""
        self.waiting["audience"] += [event(t.AUDIENCE_COMMANDS, encode(one)) for one in upload.records]
        await self.settle()
        return self.answers[-1]

    async def settle(self) -> None:
        """Until nothing waits."""
        while stage := next((name for name, events in self.waiting.items() if events), None):
            await self._batch(stage)

    async def _batch(self, name: str) -> None:
        bench, events = self.stages[name], list(self.waiting[name])
        done = await bench.compute(*events)
        assert [] == done.dead
        for _ in range(done.taken):
            self.waiting[name].popleft()
        for key, row in done.overlay.writes.items():
            if row is None:
                bench.rows.pop(key, None)
            else:
                bench.rows[key] = row
        self._due(name, bench)
        for record in bench.written:
            self._carry(record)

    def _due(self, name: str, bench: Bench) -> None:
        """Timers that have come: each is an event as the engine makes it."""
        queued = {one.key for one in self.waiting[name]}
        for key in [key for key in bench.rows if key.startswith(inner.TIMER) and key not in queued]:
            if int.from_bytes(key[1:9], "big") <= NOW:
                _, payload = inner.unpack(bench.rows[key][8:])
                self.waiting[name].append(Event(LATER, key, NOW, (), "", -1, -1, payload))

    def _carry(self, record: Written) -> None:
        match record.topic:
            case t.LABELLED:
                self.waiting["members"].append(event(record.topic, record.value, record.key or b""))
            case t.AUDIENCE_PROGRESS:
                self.waiting["audience"].append(event(record.topic, record.value))
            case t.AUDIENCE_ANSWERS:
                self.answers.append(msgspec.json.decode(record.value or b"", type=AudienceAnswered))
            case t.AUDIENCE_LABELS:
                self.book.apply(record.key or b"", record.value)
            case _:
                self.rows.append(record)

    def users(self) -> dict[str, Memberships]:
        """The table `memberships` as it is stored."""
        (spec, *_) = self.stages["members"].stage.tables
        kept = self.stages["members"].rows.items()
        return {key[1:].decode(): spec.decode(row[8:]) for key, row in kept if key[:1] == b"\1"}


FUTURE = {"start_date": "1970-01-01T00:00:00Z", "end_date": "2999-01-01T00:00:00Z"}


def asked(upload_id: str, **changes: Any) -> Upload:
    body = read(whole(**changes))
    asking = Asking(upload_id, body.id, body.id, digest_of("publish", body), NOW)
    return publication(asking, body.campaign_label, published(whole(**changes)))


def request(count: int) -> dict[str, Any]:
    users = [{"id_type": "phone_id", "id": str(n)} for n in range(count)]
    items = [{"users": users, "communication_id": "comm-personal", **FUTURE}]
    return {"personal_communications": items, "communication": FUTURE, "filters": ...}


async def test_a_request_labels_its_users_answers_and_tells_its_progress() -> None:
    line = Line()
    answer = await line.publish(asked("u1", **request(300)))
    name = "campaign12345:comm-personal"
    assert ("accepted", [name]) == (answer.outcome, [label.audience_label for label in answer.labels])
    assert {f"phone_id:{n}" for n in range(300)} == set(line.users())
    label = line.book.labels[name]
    assert (300, 300, {}, 1) == (label.total, label.processed, label.left, label.requests)
    assert [(300, 300)] == [(one.total, one.processed) for one in line.book.requests["req-0001"].counts]
    assert [(t.ROWS, name.encode())] == [(row.topic, row.key) for row in line.rows]


async def test_a_repeat_is_answered_and_changes_no_row() -> None:
    line = Line()
    await line.publish(asked("u1", **request(20)))
    before = dict(line.stages["members"].rows)
    answer = await line.publish(asked("u2", **request(20)))
    assert (True, before) == (answer.is_replay, line.stages["members"].rows)


async def test_a_withdrawal_takes_every_entry_and_index_row_and_tells_it() -> None:
    line = Line()
    await line.publish(asked("u1", **request(300)))
    body = UNPUBLISH(b'{"id": "w", "campaign_label": "campaign12345"}')
    asking = Asking("w1", "w", "w", digest_of("unpublish", body), NOW)
    assert "accepted" == (await line.publish(withdrawal(asking, body))).outcome
    left = [key for key in line.stages["members"].rows if not key.startswith(inner.TIMER)]
    assert [] == left
    label: AudienceLabel = line.book.labels["campaign12345:comm-personal"]
    assert (NOW, NOW, 2) == (label.withdrawn_at, label.ends_at, len(line.rows))
