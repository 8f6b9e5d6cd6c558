"""The audience edge without a broker: what its reader survives, what it knows of labels, when it is up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from aiokafka.errors import CorruptRecordException, KafkaError, OffsetOutOfRangeError

from connectors.http.audience.commands import Upload
from connectors.http.ports import BrokerUnavailableError
from schemas.codec import encode_json
from schemas.records import AudienceAnswered, RequestCount, RequestProgress
from streams import audience_answers
from streams.audience_answers import NOT_READ, Answers
from streams.audience_edge import NOT_YET, AudienceEdge
from streams.audience_labels import LabelBook
from streams.engine.api import EngineConfig

CONFIG = EngineConfig("127.0.0.1:1", "app", "w", "/nowhere")
ANSWER = AudienceAnswered(upload_id="u", request_id="r", outcome="accepted")


class Script:
    """A consumer that does one thing after the other, then has nothing more."""

    def __init__(self, *steps: Exception | list[tuple[bytes | None, bytes | None]]) -> None:
        self.steps = list(steps)
        self.seeks = 0

    async def getmany(self, *_: Any, **__: Any) -> dict[str, list[Any]]:
        if not self.steps:
            await asyncio.sleep(0)
            return {}
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return {"tp": [SimpleNamespace(key=key, value=value) for key, value in step]}

    async def seek_to_end(self, _tp: Any) -> None:
        self.seeks += 1
        if self.seeks == 1:
            raise KafkaError("away")


async def _turns(until: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not until():
            await asyncio.sleep(0)


async def test_the_reader_of_answers_survives_bad_records_and_every_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A record that is none, a key that is no text, a lost place whose repair fails, a defect of the client.

    Mutations tried: `_take` that raises, the seek outside of the `try`, KafkaError alone caught: all fail.
    """
    monkeypatch.setattr(audience_answers, "AWAY_S", 0.0)
    good = (b"u", encode_json(ANSWER))
    bad = [(b"u", b"{"), (b"\xff", b"{}"), (None, None), (b"u", b'{"upload_id": 7}')]
    script = Script(
        bad, OffsetOutOfRangeError(), CorruptRecordException(), KafkaError(), ValueError("defect"), [good]
    )
    answers = Answers(CONFIG)
    future = answers.expected("u")
    assert NOT_READ == answers.trouble
    answers._reader = reader = asyncio.create_task(answers._read_on(cast("Any", script)))
    assert ANSWER == await asyncio.wait_for(future, 30)
    await _turns(lambda: answers.trouble is None)
    assert script.seeks > 1
    reader.cancel()
    await asyncio.wait([reader])
    assert NOT_READ == answers.trouble


async def test_trouble_with_answers_is_told_and_nothing_is_written_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutation tried: a look at the first connection alone: fails."""
    monkeypatch.setattr(audience_answers, "AWAY_S", 60.0)
    edge, answers, writer = AudienceEdge(CONFIG), Answers(CONFIG), _Writer()
    script = Script(KafkaError())
    assert NOT_YET == await edge.reachable()
    answers._reader = reader = asyncio.create_task(answers._read_on(cast("Any", script)))
    edge._answers, edge._writer = answers, writer  # type: ignore[assignment]
    await _turns(lambda: edge.trouble is not None)
    assert f"{NOT_READ}: KafkaError" == await edge.reachable()
    with pytest.raises(BrokerUnavailableError):
        await edge.ask(Upload("u", "c", []), {})
    assert not writer.uploads
    reader.cancel()
    await asyncio.wait([reader])
    assert NOT_READ == await edge.reachable()


async def test_a_table_whose_reader_died_is_unread_whatever_answers_do() -> None:
    """Mutation tried: tables are not looked at: fails."""
    edge = AudienceEdge(CONFIG)
    assert (NOT_YET, 0) == (edge.unread, edge.fresh_at)
    tables = [SimpleNamespace(is_reading=True, fresh_at=at) for at in (9, 7)]
    edge._answers, edge._tables = SimpleNamespace(trouble=NOT_READ), tables  # type: ignore[assignment]
    assert [None, NOT_READ, 7] == [edge.unread, edge.trouble, edge.fresh_at]
    tables[1].is_reading = False
    assert ["labels are not read"] * 2 == [edge.unread, edge.trouble]


class _Writer:
    def __init__(self) -> None:
        self.uploads: list[Upload] = []

    async def write(self, upload: Upload, _headers: Any) -> None:
        self.uploads.append(upload)


def _told(book: LabelBook, request_id: str, accepted_at: int, processed: int) -> None:
    count = RequestCount(audience_label="c:x", communication_id="x", total=2, processed=processed)
    progress = RequestProgress(request_id=request_id, updated_at=9, accepted_at=accepted_at, counts=[count])
    book.apply(f"request:{request_id}".encode(), encode_json(progress))


def test_the_oldest_request_with_users_left_has_its_age() -> None:
    book = LabelBook()
    assert 0 == book.oldest_s(lambda: 60_000)
    _told(book, "old", 10_000, 0)
    _told(book, "young", 30_000, 1)
    assert 50 == book.oldest_s(lambda: 60_000)
    _told(book, "old", 10_000, 2)
    assert 30 == book.oldest_s(lambda: 60_000)
    book.apply(b"request:young", None)
    assert (0, {"old"}) == (book.oldest_s(lambda: 60_000), set(book.requests))


def test_a_record_of_labels_that_cannot_be_read_is_refused_and_a_new_kind_passed_over() -> None:
    book = LabelBook()
    book.apply(b"novelty:x", b"{}")
    with pytest.raises(msgspec.DecodeError):
        book.apply(b"label:x", b"{")
    assert {} == book.labels
