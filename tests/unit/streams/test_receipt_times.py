"""What a worker tells of receipts, and what it takes from the topic."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schemas.codec import Decoder, SchemaBook, encode
from schemas.punctuality import ReceiptsCounted
from streams import reporting
from streams.engine.api import EngineConfig
from streams.receipt_times import ReceiptEnds
from tests.punctuality import ACCOUNT, BEGAN, JUDGED, TIMED, counted, sent

CONFIG = EngineConfig("b:1", "app", "w", "/nowhere")


class Broker:
    """Takes every record."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, bytes]] = []
        self.told = asyncio.Event()

    async def send(self, topic: str, value: bytes, *, key: bytes) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        answer.set_result(None)
        self.taken.append((topic, key, value))
        self.told.set()
        return answer


def ends(monkeypatch: pytest.MonkeyPatch) -> ReceiptEnds:
    for name in ("BEAT_S", "REST_S"):
        monkeypatch.setattr(reporting, name, 0)
    monkeypatch.setattr("streams.receipt_times.now_ms", lambda: BEGAN)
    return ReceiptEnds(CONFIG, SchemaBook(), CollectorRegistry())


async def test_what_is_counted_goes_to_the_topic_by_account(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, mine = Broker(), ends(monkeypatch)
    mine.times.count(sent())
    port: Any = broker
    reporter = asyncio.create_task(mine.report_on(port))
    async with asyncio.timeout(30):
        await broker.told.wait()
    reporter.cancel()
    await asyncio.wait([reporter])
    ((topic, key, value),) = broker.taken
    said = Decoder(ReceiptsCounted, book=SchemaBook())(value)
    assert ("receipts.counts", ACCOUNT.encode()) == (topic, key)
    assert isinstance(said, ReceiptsCounted)
    assert said.worker.startswith("w/")
    assert counted((BEGAN, 1, 0), worker=said.worker, told_at=BEGAN) == said


def test_what_others_counted_is_taken_from_the_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = ends(monkeypatch)
    mine._counted(b"", encode(counted((BEGAN, 40, 0), worker="other")))
    mine._counted(b"", None)
    assert 0.25 == mine.times.share(TIMED, JUDGED)
