"""Places before bodies, limits of keys, what is counted and logged of a request (AUD-OP-21, AUD-OP-22)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from connectors.http.audience import reading
from connectors.http.audience.commands import Upload
from connectors.http.audience.operations import PUBLISH_PATH, STATUS_PATH, UNPUBLISH_PATH
from connectors.http.audience.slots import SMALL_BODY, Size, Slots
from connectors.http.limits import KeyLimits, Limit
from schemas.records import AudienceAnswered
from tests.unit.connectors.http.audience.publishing import whole
from tests.unit.connectors.http.audience.stage import ALLOWED, Stage
from tests.unit.connectors.http.edge import NOW, Edge, edge

FEW = dict.fromkeys(Size, 1)
BODY = json.dumps(whole()).encode()
WITHDRAWAL = json.dumps({"id": "r", "campaign_label": "c"}).encode()


class Slow(Stage):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def ask(self, upload: Upload, headers: Mapping[str, bytes]) -> AudienceAnswered:
        answer = await super().ask(upload, headers)
        await self.go.wait()
        return answer


async def asked(one: Edge, path: str, data: Any, **headers: str) -> tuple[int, str, Mapping[str, str]]:
    async with one.client.post(path, headers={**ALLOWED, **headers}, data=data) as response:
        body = await response.json(content_type=None)
        return response.status, body.get("code", ""), response.headers


async def begun(one: Edge, path: str, sent: bytes = b"") -> int:
    """Status of the answer to a large request of whose body no more than this is ever sent."""
    reader, writer = await asyncio.open_connection(one.client.host, one.client.port)
    head = f"POST {path} HTTP/1.1\r\nHost: edge\r\nContent-Length: 1000000\r\n"
    writer.write(f"{head}Authorization: {ALLOWED['Authorization']}\r\n\r\n".encode() + sent)
    try:
        line = await asyncio.wait_for(reader.readline(), 60)
        return int(line.split()[1])
    finally:
        writer.close()


async def until(stage: Stage, count: int) -> None:
    while len(stage.uploads) < count:
        await asyncio.sleep(0.001)


@pytest.mark.spec("AUD-OP-22")
async def test_a_full_place_is_a_503_before_any_of_the_body_is_read() -> None:
    """The second caller sends no byte of its body and is answered; a withdrawal has a place of its own.

    Mutation tried: the place taken after the body was read: waits for ever.
    """
    stage = Slow()
    async with edge(audience=stage, slots=Slots(FEW)) as one:
        first = [
            asyncio.create_task(asked(one, PUBLISH_PATH, BODY)),
            asyncio.create_task(asked(one, PUBLISH_PATH, BODY, **{"Content-Encoding": "identity"})),
        ]
        await until(stage, 2)
        status, code, told = await asked(one, PUBLISH_PATH, BODY)
        assert (503, "busy", "1") == (status, code, told["Retry-After"])
        assert 503 == await begun(one, PUBLISH_PATH)
        withdrawal = asyncio.create_task(asked(one, UNPUBLISH_PATH, WITHDRAWAL))
        await until(stage, 3)
        stage.go.set()
        assert [200] * 3 == [(await each)[0] for each in (*first, withdrawal)]
        assert 200 == (await asked(one, PUBLISH_PATH, BODY))[0]


async def test_a_place_is_free_again_after_a_refusal() -> None:
    async with edge(audience=Stage(), slots=Slots(FEW)) as one:
        statuses = [(await asked(one, PUBLISH_PATH, b"{"))[0] for _ in range(3)]
        assert [400] * 3 == statuses


@pytest.mark.parametrize("path", [UNPUBLISH_PATH])
async def test_a_small_place_takes_no_large_body(path: str) -> None:
    async with edge(audience=Stage()) as one:
        assert (413, "too_large") == (await asked(one, path, b" " * (SMALL_BODY + 1)))[:2]


async def test_many_tiny_values_are_refused_while_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_VALUES", 100)
    async with edge(audience=Stage()) as one:
        assert (413, "too_large") == (await asked(one, PUBLISH_PATH, b"[" + b"1," * 101))[:2]
        assert (400, "invalid_field") == (await asked(one, PUBLISH_PATH, b"[" + b"1," * 90 + b"1]"))[:2]


async def test_a_body_that_does_not_come_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: no time-out: waits for ever."""
    monkeypatch.setattr(reading, "BODY_S", 0.01)
    async with edge(audience=Stage(), slots=Slots(FEW)) as one:
        assert 408 == await begun(one, PUBLISH_PATH, b"{")
        assert 200 == (await asked(one, PUBLISH_PATH, BODY, **{"Content-Encoding": "identity"}))[0]


async def test_every_answer_tells_where_the_key_stands_with_this_endpoint() -> None:
    """Not with the service's quota, which is two thousand times as far. Mutation to try: only 429 tells."""
    async with edge(audience=Stage(), key_throttle=KeyLimits(lambda: NOW, Limit("key", 3))) as one:
        answers = [await asked(one, PUBLISH_PATH, body) for body in (BODY, b"{")]
    assert [(200, '"key";r=2;t=20'), (400, '"key";r=1;t=20')] == [
        (status, headers["RateLimit"]) for status, _, headers in answers
    ]


@pytest.mark.spec("AUD-OP-22")
async def test_a_key_has_so_many_requests_a_minute_of_each_operation() -> None:
    limits = KeyLimits(lambda: NOW, Limit("key", 2))
    async with edge(audience=Stage(), key_throttle=limits) as one:
        statuses = [(await asked(one, PUBLISH_PATH, BODY))[0] for _ in range(2)]
        status, code, headers = await asked(one, PUBLISH_PATH, BODY)
        assert ([200, 200], 429, "throttled") == (statuses, status, code)
        assert ("30", '"key";r=0;t=30', '"key";q=2;w=60') == (
            headers["Retry-After"],
            headers["RateLimit"],
            headers["RateLimit-Policy"],
        )
        assert 200 == (await asked(one, UNPUBLISH_PATH, WITHDRAWAL))[0]


async def test_what_gets_a_503_is_not_counted_against_the_key() -> None:
    stage = Stage()
    stage.is_away = True
    async with edge(audience=stage, key_throttle=KeyLimits(lambda: NOW, Limit("key", 1))) as one:
        assert [503] * 3 == [(await asked(one, PUBLISH_PATH, BODY))[0] for _ in range(3)]
        stage.is_away = False
        assert 200 == (await asked(one, PUBLISH_PATH, BODY))[0]


@pytest.mark.spec("CRM-040 CRM-OP-10")
async def test_requests_are_counted_by_result() -> None:
    async with edge(audience=Stage(), slots=Slots({**FEW, Size.WITHDRAWAL: 0})) as one:
        await asked(one, PUBLISH_PATH, BODY)
        await asked(one, PUBLISH_PATH, b"{")
        await asked(one, UNPUBLISH_PATH, WITHDRAWAL)
        async with one.client.get(f"{STATUS_PATH}?id=r", headers=ALLOWED):
            pass
        expected = [("publish", "accepted"), ("publish", "invalid_json"), ("unpublish", "busy")]
        for operation, result in [*expected, ("status", "answered")]:
            found = one.sample("carillon_audience_requests_total", operation=operation, result=result)
            assert 1 == found, (operation, result)
        assert 1 == one.sample("carillon_audience_answer_seconds_count", operation="publish")


@pytest.mark.spec("AUD-051")
@pytest.mark.parametrize("outcome", ["accepted", "conflict", "away", "defect"])
async def test_the_campaign_is_on_every_line_once_it_is_known(outcome: str) -> None:
    """AUD-051. Mutation tried: nothing bound: fails."""
    stage = Stage(outcome)
    stage.is_away = outcome == "away"
    if outcome == "defect":
        stage.known.communications = None  # type: ignore[assignment]
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        async with edge(audience=stage) as one:
            await asked(one, PUBLISH_PATH, BODY)
            await asked(one, PUBLISH_PATH, b"{")
    own = [line for line in lines if line["event"].startswith("audience")]
    *of_first, of_second = own
    assert of_first
    assert {"campaign12345"} == {line.get("campaign_label") for line in of_first}
    assert "campaign_label" not in of_second
