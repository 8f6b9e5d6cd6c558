"""What is seen of vetoes from outside: rows of the delivery stage, mails withheld, mails that were sent."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from confluent_kafka import OFFSET_END, Message, TopicPartition

from bench.asked import Line, Receipts
from bench.stock import READ_AT_ONCE, reader
from bench.vetoes.rows import Mail
from schemas import topics
from schemas.codec import Decoder
from schemas.records import AttemptEnded
from schemas.words import Status
from streams.telling import HAPPENED

VETOES, CANCELS = b"\1", b"\2"
"""First byte of a row's key: the tables `vetoes` and `cancelled` of a delivery stage."""
LOOK_S = 0.02
ENDS = frozenset({Status.SKIPPED, Status.CANCELLED})


class Overheard:
    """Committed rows of one changelog, and outcomes, from the moment on at which it begins."""

    def __init__(self, bootstrap: str, changelog: str, partitions: int) -> None:
        """`rows`: key → when it was first seen, ms; outcomes are kept as bytes until the end."""
        self._bootstrap = bootstrap
        self._changelog = changelog
        self._places = [
            TopicPartition(topic, number, OFFSET_END)
            for topic in (changelog, topics.OUTCOMES)
            for number in range(partitions)
        ]
        self.rows: dict[bytes, float] = {}
        self.changed: set[bytes] = set()
        self._outcomes: list[tuple[float, bytes]] = []
        self.began, self.ended = threading.Event(), threading.Event()

    def run(self) -> None:
        """Until `ended` is set; blocks."""
        with reader(self._bootstrap) as consumer:
            consumer.assign(self._places)
            while not self.ended.is_set():
                for message in consumer.consume(READ_AT_ONCE, LOOK_S):
                    if message.error() is None:
                        self._take(message, time.time() * 1000)
                self.began.set()

    def _take(self, message: Message, now: float) -> None:
        key, value = message.key() or b"", message.value()
        if message.topic() != self._changelog:
            if key in self.changed and value is not None:
                self._outcomes.append((now, value))
        elif key[:1] in (VETOES, CANCELS) and value is not None:
            self.rows.setdefault(key, now)

    def withheld(self) -> dict[str, list[Mail]]:
        """By user, the mails of users that changed something which ended without being sent."""
        decode, found = Decoder(*HAPPENED), defaultdict[str, list[Mail]](list)
        for at, value in self._outcomes:
            happened = decode(value)
            if isinstance(happened, AttemptEnded) and happened.status in ENDS:
                found[happened.user_id].append(Mail(at, happened.message_id, happened.reason))
        return found


@asynccontextmanager
async def overheard(one: Overheard) -> AsyncIterator[Overheard]:
    """For the length of the block, from its first line on."""
    running = asyncio.create_task(asyncio.to_thread(one.run))
    try:
        await asyncio.to_thread(one.began.wait)
        yield one
    finally:
        one.ended.set()
        await running


class Mails(Receipts):
    """Mails of the ledger by user, in the order in which they came."""

    def __init__(self, ledger: Path) -> None:
        super().__init__(ledger)
        self.of: defaultdict[str, list[Mail]] = defaultdict(list)
        self.count = 0

    def take(self, line: Line) -> None:
        """Keep one mail; its address begins with the user's id (`bench.product.registered`)."""
        self.count += 1
        self.of[line.recipient.partition("@")[0]].append(Mail(line.at, line.message_id))
