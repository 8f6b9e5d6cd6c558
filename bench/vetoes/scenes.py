"""One scene: a worker that sends, requests that go on coming, and users who change something meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
import yaml

from bench.asked import mail_named, request_id
from bench.findings import tell
from bench.product import Product, Worker, user_of
from bench.sections import Row
from bench.stages import Look
from bench.steady import Steady, steadily
from bench.stock import Headers
from bench.vetoes.changes import SERVICE, TYPE, Callers, Planned, asked, planned
from bench.vetoes.overheard import CANCELS, VETOES, Mails, Overheard, overheard
from bench.vetoes.rows import CANCELLED, Change, Found, rows_of
from schemas import topics
from schemas.ids import subject_key
from streams.applying import apply_directory
from streams.outside import engine_config
from tables.vetoes import key_of

DELIVERY = "delivery-email"
STAGES = f"intake,recipient,{DELIVERY},rates"
LAG = "carillon_stage_lag_records"
PER_SECOND, TRICKLE = 4.0, 20.0
"""Changes a second, and new requests a second beside them."""
LEAD_S, TAIL_S = 5.0, 10.0


@dataclass(slots=True)
class Deal:
    """Numbered requests from `first` on, dealt to users in turn. `made`: how many so far."""

    first: int
    users: range
    made: int = 0

    def record(self, place: int) -> tuple[str, bytes, Headers]:
        """The request in this place: one small mail of the low lane."""
        number, user = self.first + place, user_of(self.users[place % len(self.users)])
        body = {
            "user_id": user,
            "notification_type": TYPE,
            "priority": "low",
            "idempotency_key": key_of_request(number),
            "data": {"OrderNumber": f"A-{number}", "Amount": 129},
        }
        headers = [("request_id", request_id(number).encode()), ("source", SERVICE.encode())]
        self.made = max(self.made, place + 1)
        return user, orjson.dumps(body), headers

    def next_of(self, user: int, received: int) -> int:
        """Number of the user's next request after so many; of his last one if there is no other."""
        place = self.users.index(user) + received * len(self.users)
        return self.first + (place if place < self.made else place - len(self.users))


@dataclass(frozen=True, slots=True)
class Scene:
    """Who changes something, among whose requests, and how many mails a second the provider takes."""

    title: str
    users: range
    deal: Deal
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Stand:
    """Where all scenes are played. `port`: of HTTP; `counts`: changes by kind."""

    made: Product
    port: int
    callers: Callers
    mails: Mails
    counts: dict[str, int]


async def play(stand: Stand, scene: Scene) -> list[Row]:
    """One scene, with a worker of its own."""
    made = stand.made
    await apply_directory(made.settings, _book(made.folder / "book", scene.limit))
    changelog = engine_config(made.settings).changelog(DELIVERY)
    worker = await made.worker(STAGES)
    try:
        listening = Overheard(made.stock.bootstrap, changelog, made.settings.kafka.partitions)
        async with overheard(listening), steadily(_trickle(made, scene.deal)):
            await asyncio.sleep(LEAD_S)
            began = await _Moment.now(stand, worker)
            changes = await _Changing(stand, scene, listening).all()
            meanwhile = (await _Moment.now(stand, worker)).since(began)
            await asyncio.sleep(TAIL_S)
    finally:
        await worker.watched.stop()
    stand.mails.look()
    found = Found(listening.rows, stand.mails.of, listening.withheld())
    rows = [{**row, **meanwhile} for row in rows_of(scene.title, changes, found)]
    for row in rows:
        tell("vetoes", **row)
    return rows


def key_of_request(number: int) -> str:
    """The idempotency key of a numbered request."""
    return f"veto-{number}"


class _Changing:
    """The changes of one scene."""

    def __init__(self, stand: Stand, scene: Scene, listening: Overheard) -> None:
        self._stand = stand
        self._scene = scene
        self._listening = listening
        self._session = aiohttp.ClientSession(f"http://127.0.0.1:{stand.port}")
        self._began = time.monotonic()

    async def all(self) -> list[Change]:
        """Each at its time, whatever the others are answered."""
        plan = planned(self._scene.users, self._stand.counts, PER_SECOND)
        async with self._session, asyncio.TaskGroup() as group:
            made = [group.create_task(self._one(each)) for each in plan]
        return [task.result() for task in made]

    async def _one(self, each: Planned) -> Change:
        await asyncio.sleep(self._began + each.due_s - time.monotonic())
        mails, user = self._stand.mails, user_of(each.user)
        mails.look()
        number = self._scene.deal.next_of(each.user, len(mails.of[user]))
        request = request_id(number)
        self._listening.changed.add(subject_key(user))
        answered = await self._stand.callers.answered_ms(self._session, asked(each.kind, user, request))
        if each.kind != CANCELLED:
            return Change(each.kind, user, VETOES + subject_key(user), answered)
        row = CANCELS + key_of(user, SERVICE, request)
        mail = mail_named(request, SERVICE, user, key_of_request(number))
        return Change(each.kind, user, row, answered, mail)


def _trickle(made: Product, deal: Deal) -> Steady:
    first = deal.made
    return Steady(
        made.stock.bootstrap, topics.SEND_REQUEST, TRICKLE, lambda place: deal.record(first + place)
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    """How many mails wait and were sent so far, and what the machine does."""

    waiting: float
    sent: int
    look: Look

    @classmethod
    async def now(cls, stand: Stand, worker: Worker) -> _Moment:
        """Of a running worker."""
        stand.mails.look()
        waiting = (await worker.by_stage(LAG))[LAG].get(DELIVERY, 0.0)
        return cls(waiting, stand.mails.count, Look.now(stand.made, worker, 0.0))

    def since(self, began: _Moment) -> Row:
        """What waited at both ends, mails a second, and how much of the machine others took."""
        seconds = self.look.spent.at - began.look.spent.at
        return {
            "waiting": began.waiting,
            "left": self.waiting,
            "rate": (self.sent - began.sent) / seconds,
            "others": self.look.others_since(began.look),
        }


def _book(folder: Path, limit: int | None) -> Path:
    """The provider of mails as in the examples, with this limit."""
    folder.mkdir(parents=True, exist_ok=True)
    entry = {"name": "mail", "channel_type": "email", "kind": "smtp", "priority": 10}
    limited = entry if limit is None else {**entry, "rate_limit": limit}
    (folder / "providers.yaml").write_text(yaml.safe_dump([limited]), encoding="utf-8")
    return folder
