"""Campaigns over HTTP while their worker is struck: labelled once, done, shown; withdrawn amid labelling."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from connectors.embedded.kafka import EmbeddedKafka
from examples.accounts.topics import read
from schemas import topics as t
from streams.applying import apply_directory
from streams.running import prepare
from streams.settings import Settings
from tests.broker.campaign_reader import ALLOWED, AUDIENCE, DATES, PATIENCE_S, Reader, Served, own
from tests.broker.faults.system import ROOT, Program, base_settings
from tests.servers import Servers, fresh_database

CHUNK = 10_000
MOST_CHUNKS = 10
EVERY = 97
"""One of so many users is asked for: of each bucket some."""
ROW = "SELECT * FROM promotions.audience_labels WHERE audience_label = $1"
LATE = {"users": [{"id_type": "phone_id", "id": "late"}], "communication_id": "spring-sale"}
NO_SUFFIX = " none"
STAGES = "audience,members,seen,stats,sink"


@dataclass
class Struck:
    """Everything between CRM and app, each a process; what it told on topics and in rows."""

    served: Served
    bootstrap: str
    dsn: str

    async def strike(self) -> None:
        """SIGKILL; it stays away."""
        self.served.worker.signal(signal.SIGKILL)
        await self.served.worker.ended()

    async def told(self, topic: str) -> list[Any]:
        """All that a public topic has, as JSON."""
        found = (await read(self.bootstrap, (topic,), NO_SUFFIX))[topic]
        return [record.json() for record in found if record.value]

    async def row(self, query: str, *given: str) -> Any:
        """The first row of a query, once there is one."""
        connection = await asyncpg.connect(self.dsn)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (found := await connection.fetchrow(query, *given)) is None:
                    await asyncio.sleep(0.1)
            return found
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def struck(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Struck]:
    """Each test has a campaign and users of its own, and leaves all running."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(_opened(tmp_path_factory.mktemp("struck"), servers, stack))
        finally:
            runner.run(stack.aclose())


async def _opened(folder: Path, servers: Servers, stack: AsyncExitStack) -> Struck:
    kafka = await stack.enter_async_context(EmbeddedKafka(folder / "kafka"))
    dsn = await stack.enter_async_context(fresh_database(servers.dsn, "campaigns_struck"))
    base = base_settings(kafka.address, dsn)
    settings = Settings(data_dir=folder / "here", **base)
    await prepare(settings, print)
    await apply_directory(settings, ROOT / "examples")
    found = []
    for name, argv in (("http", ("http",)), ("worker", ("worker", "--stages", STAGES))):
        program = Program(name, folder, ("streams.cli", *argv), base | own(folder, name))
        stack.push_async_callback(program.stop)
        program.start()
        found.append(program)
    for program in found:
        await program.until_ready()
    return Struck(Served(worker=found[1], http=found[0]), kafka.address, dsn)


@pytest.fixture
async def reader(struck: Struck) -> AsyncIterator[Reader]:
    async with aiohttp.ClientSession(headers=ALLOWED) as session:
        yield Reader(struck.served, session)


def people(name: str, chunk: int) -> list[tuple[str, str]]:
    """The users of one call."""
    return [("phone_id", f"{name}-{number}") for number in range(chunk * CHUNK, (chunk + 1) * CHUNK)]


async def until_begun(reader: Reader, **query: str) -> None:
    """Until somebody is labelled."""
    async with asyncio.timeout(PATIENCE_S):
        while not any(one["processed"] for one in await reader.status(**query)):
            await asyncio.sleep(0.02)


async def until_ended(reader: Reader, label: str) -> Any:
    """Until nobody waits; what the status says then."""
    async with asyncio.timeout(PATIENCE_S):
        while (one := (await reader.status(audience_label=label))[0])["status"] in {"pending", "in_progress"}:
            await asyncio.sleep(0.2)
    return one


async def killed_amid(struck: Struck, reader: Reader, name: str) -> int:
    """Call after call, until a kill fell between its first user and its last; its number."""
    for chunk in range(MOST_CHUNKS):
        await reader.post(f"{name}-{chunk}", name, people(name, chunk))
        await until_begun(reader, id=f"{name}-{chunk}")
        await struck.strike()
        (left,) = await reader.status(id=f"{name}-{chunk}")
        struck.served.worker.start()
        if left["status"] == "in_progress":
            return chunk
    raise AssertionError("no kill fell amid labelling")


async def withdrawn_amid(reader: Reader) -> tuple[str, Any]:
    """Campaign after campaign, until one was withdrawn between its first user and its last; the answer."""
    for number in range(MOST_CHUNKS):
        name = f"stopped-{number}"
        await reader.post(name, name, people(name, 0))
        await until_begun(reader, id=name)
        body = {"id": f"{name}-over", "campaign_label": name}
        gone = await reader.asked("POST", f"{AUDIENCE}/unpublish", body)
        (left,) = await reader.status(id=name)
        if left["status"] == "in_progress":
            return name, gone
    raise AssertionError("no withdrawal fell amid labelling")


@pytest.mark.spec("AUD-004 AUD-OP-29 CRM-OP-04")
async def test_a_worker_that_is_killed_amid_labelling_ends_it_and_everybody_is_shown_his_label(
    struck: Struck, reader: Reader
) -> None:
    """The calls before the one that was struck are part of it: nobody of them is labelled twice."""
    name, label = "struck", "struck:spring-sale"
    chunk = await killed_amid(struck, reader, name)
    users = (chunk + 1) * CHUNK
    await struck.served.worker.until_ready()
    told = await until_ended(reader, label)
    assert ("done", users, users, 0) == tuple(
        told[word] for word in ("status", "total", "processed", "failed")
    )
    for _, user in people(name, chunk)[::EVERY]:
        await reader.until([label], ("phone_id", user))
    async with asyncio.timeout(PATIENCE_S):
        while (counted := await _labelled(struck, label)) < users:
            await asyncio.sleep(0.5)
    assert users == counted
    row = await struck.row(ROW, label)
    assert ("struck", "spring-sale", None) == (
        row["campaign_label"],
        row["communication_id"],
        row["withdrawn_at"],
    )
    await struck.row("SELECT 1 FROM promotions.promotions WHERE $1 = ANY (audience_labels)", label)


async def _labelled(struck: Struck, label: str) -> int:
    """How many users analysts are told of: whoever got it twice would count twice."""
    last: dict[str, dict[str, int]] = {}
    for record in await struck.told(t.AUDIENCE_STATS):
        if (record["dimensions"]["audience_label"], record["period"]) == (label, "day"):
            last[record["timestamp"]] = record["metrics"]
    return sum(metrics.get("labelled", 0) for metrics in last.values())


@pytest.mark.spec("CRM-011 CRM-OP-02 CRM-OP-03 CRM-052")
async def test_a_campaign_that_is_withdrawn_amid_labelling_is_shown_to_nobody_and_stays_so(
    struck: Struck, reader: Reader
) -> None:
    """Its worker is killed once the withdrawal is answered."""
    name, gone = await withdrawn_amid(reader)
    label = f"{name}:spring-sale"
    await struck.strike()
    struck.served.worker.start()
    named = {"communication_id": "spring-sale", "audience_label": label}
    assert {"id": f"{name}-over", "audience_info": [named]} == gone
    told = await until_ended(reader, label)
    assert (CHUNK, CHUNK) == (told["total"], told["processed"] + told["failed"])
    for _, user in people(name, 0)[::EVERY]:
        await reader.until([], ("phone_id", user))
    events = [one for one in await struck.told(t.AUDIENCE_UNPUBLISHED) if one["audience_label"] == label]
    assert [("unpublished", name, f"{name}-over")] == [
        (one["event_type"], one["campaign_label"], one["request_id"]) for one in events
    ]
    row = await struck.row(f"{ROW} AND withdrawn_at IS NOT NULL", label)
    assert row["ends_at"] == row["withdrawn_at"]
    body = {"id": "again", "campaign_label": name, "communication": DATES, "personal_communications": [LATE]}
    status, again = await reader.answered("POST", f"{AUDIENCE}/publish", body)
    assert (409, "conflict") == (status, again["code"])
