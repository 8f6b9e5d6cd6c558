"""The fake provider's own controls, over sockets and as a process."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from aiohttp import ClientSession

from connectors.clock import now_ms
from connectors.fake.server import FakeSettings, RunningFake, running
from connectors.providers.fake_http import FakeSms
from connectors.providers.smtp import Smtp
from schemas.records import Content
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CONTENT = Content(body="<p>Hello</p>", body_text="Hello", subject="Hello")


@pytest.fixture
async def fake() -> AsyncIterator[RunningFake]:
    async with running(FakeSettings(), now_ms) as one:
        yield one


async def sent_mail(host: str, port: int, address: str, key: str) -> Verdict:
    carrier = Smtp("mail", {"host": host, "port": port, "from_address": "us@carillon.test"}, now_ms)
    answer = await carrier.send(address, CONTENT, key)
    await carrier.close()
    return answer.verdict


async def test_script_is_posted_listed_and_deleted(fake: RunningFake) -> None:
    rule = {"fault": "refuse", "word": "unavailable", "times": 3, "channel": "sms"}
    async with ClientSession(fake.url) as http:
        async with http.post("/script", json=rule) as response:
            assert response.status == 201
        async with http.get("/script") as response:
            listed: list[dict[str, Any]] = await response.json()
        async with http.delete("/script") as response:
            assert response.status == 204
    assert [rule] == [{field: one[field] for field in rule} for one in listed]
    assert fake.desk.scripts.rules() == []


@pytest.mark.parametrize("rule", [b"{}", b'{"fault": "unheard of"}', b'{"fault": "drop", "what": 1}', b"no"])
async def test_script_that_is_none_is_refused(fake: RunningFake, rule: bytes) -> None:
    async with ClientSession(fake.url) as http, http.post("/script", data=rule) as response:
        assert response.status == 400


@pytest.mark.parametrize("body", [b"no", b"[]", b"{}", b'{"to": 7}'])
async def test_call_that_is_none_is_refused_and_not_listed(fake: RunningFake, body: bytes) -> None:
    async with ClientSession(fake.url) as http, http.post("/sms", data=body) as response:
        assert response.status == 400
    assert fake.desk.ledger.calls == 0


async def test_last_mail_is_shown_as_it_arrived(fake: RunningFake) -> None:
    for number in range(2):
        address = f"u{number}@example.com"
        assert await sent_mail(fake.host, fake.smtp_port, address, f"m-{number}:0") is Verdict.ACCEPTED
    found = {}
    async with ClientSession(fake.url) as http:
        for query in ("", "?recipient=u0@example.com", "?message_id=m-0", "?recipient=nobody"):
            async with http.get("/mails/last" + query) as response:
                found[query] = (response.status, b"To: u0@example.com\r\n" in await response.read())
    assert found == {
        "": (200, False),
        "?recipient=u0@example.com": (200, True),
        "?message_id=m-0": (200, True),
        "?recipient=nobody": (404, False),
    }


async def test_stopping_does_not_wait_for_calls_that_hang() -> None:
    async with running(FakeSettings(), now_ms) as other:
        hanging = FakeSms("sms", {"url": other.url}, now_ms)
        call = asyncio.create_task(hanging.send("+79000000201", CONTENT, "m-1:0"))
        while not other.desk.ledger.calls:
            await asyncio.sleep(0)
    assert Verdict.HIDDEN == (await call).verdict
    await hanging.close()


async def test_process_says_where_it_is_keeps_its_ledger_and_ends_on_sigterm(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "connectors.fake", "--ledger", str(ledger), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        ready = orjson.loads(await process.stdout.readline())
        mail = await sent_mail(ready["smtp_host"], ready["smtp_port"], "anna@example.com", "m-1:0")
        sms = FakeSms("sms", {"url": ready["url"]}, now_ms)
        text = await sms.send("+79161234567", CONTENT, "m-2:0")
        await sms.close()
        process.send_signal(signal.SIGTERM)
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (Verdict.ACCEPTED, Verdict.ACCEPTED, 0) == (mail, text.verdict, code)
    assert ["email", "sms"] == [orjson.loads(line)["channel"] for line in ledger.read_bytes().splitlines()]
