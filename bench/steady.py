"""Records at a fixed rate, whatever becomes of them: an open loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from bench.stock import Record, feeder, produce

LINGER_MS = 5


class Steady:
    """A feed of one topic in a thread of its own; `sent` counts. `record` gives the record of a number."""

    def __init__(self, bootstrap: str, topic: str, rate: float, record: Callable[[int], Record]) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._rate = rate
        self._record = record
        self.ended = threading.Event()
        self.sent = 0

    def run(self) -> None:
        """Until `ended` is set; blocks."""
        producer, started = feeder(self._bootstrap, LINGER_MS), time.monotonic()
        for number in count():
            if self.ended.wait(max(0.0, started + number / self._rate - time.monotonic())):
                break
            produce(producer, self._topic, self._record(number))
            producer.poll(0)
            self.sent = number + 1
        producer.flush()


@asynccontextmanager
async def steadily(feed: Steady) -> AsyncIterator[Steady]:
    """Feed for the length of the block; all is acknowledged behind it."""
    running = asyncio.create_task(asyncio.to_thread(feed.run))
    try:
        yield feed
    finally:
        feed.ended.set()
        await running
