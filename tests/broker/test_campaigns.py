"""The read of campaigns on real processes: by any id, over kills of its process and of the stage's owner."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.cipher import Cipher
from connectors.embedded.kafka import EmbeddedKafka
from connectors.kafka_clients import open_brokers, writing
from schemas import topics as t
from schemas.codec import encode_json
from schemas.records import Communication, Experiment
from streams.settings import Settings
from streams.topics import create_topics
from tests.broker.campaign_reader import (
    ALLOWED,
    AUDIENCE,
    DATES,
    PATH,
    PATIENCE_S,
    SECRET,
    SEEN,
    Reader,
    Served,
    own,
)
from tests.broker.faults.system import Program

NOBODY = "postgresql://nobody@127.0.0.1:1/none"
"""No stage of these tests asks Postgres."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Each test has campaigns and users of its own, and leaves all running."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(_opened(tmp_path_factory.mktemp("campaigns"), stack))
        finally:
            runner.run(stack.aclose())


async def _opened(folder: Path, stack: AsyncExitStack) -> Served:
    kafka = await stack.enter_async_context(EmbeddedKafka(folder / "kafka"))
    base: dict[str, Any] = {
        "kafka": {"bootstrap": kafka.address, "app": "campaigns"},
        "postgres": {"dsn": NOBODY},
        "crypto": {"keys": Cipher.new_key("k1")},
    }
    await create_topics(Settings(**base))
    async with writing(open_brokers(kafka.address)) as write:
        for name in ("spring-sale", "new-in-town"):
            value = encode_json(Communication(id=name, kind="fullscreen", content={"title": name}))
            await write(t.REFERENCE, value, key=f"communication:{name}".encode(), partition=0)
        newcomers = encode_json(Experiment(name="newcomers", filters={"is_new_user": True}))
        await write(t.REFERENCE, newcomers, key=b"experiment:newcomers", partition=0)
    found = []
    for name, argv in (("worker", ("worker", "--stages", "audience,members,seen")), ("http", ("http",))):
        program = Program(name, folder, ("streams.cli", *argv), base | own(folder, name))
        stack.push_async_callback(program.stop)
        program.start()
        found.append(program)
    for program in found:
        await program.until_ready()
    return Served(*found)


@pytest.fixture
async def reader(served: Served) -> AsyncIterator[Reader]:
    async with aiohttp.ClientSession(headers=ALLOWED) as session:
        yield Reader(served, session)


@pytest.mark.spec("SEEN-001 AUD-031 CRM-001 CRM-OP-01 CRM-015")
async def test_published_is_shown_seen_is_gone_for_either_id_and_withdrawn_is_gone(reader: Reader) -> None:
    """GEN-OP-08. How soon, the bench measures: here nothing fails because a machine is busy."""
    phone, uid, other = ("phone_id", "in-1"), ("yandex_uid", "in-7"), ("phone_id", "in-2")
    label = await reader.publish("campaigns-one", phone, uid, other)
    for ids in ((phone,), (uid,), (uid, phone), (other,)):
        await reader.until([label], *ids)
    assert [] == await reader.shown(("device_id", "in-1"))
    await reader.seen(X_Uid="in-7", X_Phone_Id="in-1")
    for ids in ((phone,), (uid,), (uid, phone)):
        await reader.until([], *ids)
    assert [label] == await reader.shown(other)
    await reader.withdraw("campaigns-one")
    await reader.until([], other)


@pytest.mark.spec("SEEN-020 AUD-010 AUD-013 AUD-018 AUD-126 CRM-012 CRM-OP-04 CRM-022")
async def test_all_other_endpoints_tell_of_the_same_state(reader: Reader) -> None:
    """Status by each name, a question in a body, a batch of seen facts, the old form of publishing."""
    label = await reader.publish("campaigns-story", ("phone_id", "in-story"))
    for query in (f"audience_label={label}", "campaign_label=campaigns-story", "id=campaigns-story"):
        told = await reader.asked("GET", f"{AUDIENCE}/status?{query}")
        assert [(label, "done", 1)] == [
            (one["audience_label"], one["status"], one["processed"]) for one in told["items"]
        ]
    await reader.until([label], ("phone_id", "in-story"))
    items = [{"tag": "promotions", "id": "spring-sale"}, {"tag": ""}]
    who = {"X-Gateway-Secret": SECRET, "X-Auth-Kind": "client", "X-User-Id": "u", "X-Phone-Id": "in-story"}
    posted = await reader.asked("POST", f"{SEEN}/batch", {"items": items}, **who)
    assert [200, 400] == [one["status"] for one in posted["results"]]
    await reader.until([], ("phone_id", "in-story"))
    old = {"promotion_id": "new-in-town", "experiment": "newcomers", "ticket": "T", **DATES}
    assert {} == await reader.asked("POST", "/admin/promotions/publish/", old)
    user = {"id_type": "phone_id", "id": "in-story"}
    question = {"users": [user], "context": {"is_new_user": True}, "include": ["seen"]}
    shown = {"promotion.new-in-town", label}
    async with asyncio.timeout(PATIENCE_S):
        while shown != {
            one["audience_label"] for one in (await reader.asked("POST", PATH, question))["labels"]
        }:
            await asyncio.sleep(0.01)


async def test_a_reader_that_was_killed_goes_on_with_its_copy(served: Served, reader: Reader) -> None:
    user = ("phone_id", "in-killed")
    label = await reader.publish("campaigns-killed", user)
    await reader.until([label], user)
    served.http.signal(signal.SIGKILL)
    await served.http.ended()
    served.http.start()
    await served.http.until_ready()
    await reader.until([label], user)
    await reader.seen(X_Phone_Id="in-killed")
    await reader.until([], user)


async def test_questions_are_answered_while_the_stage_has_no_owner(served: Served, reader: Reader) -> None:
    """A read model, so: the worker is killed and comes back, and no answer is missing or wrong meanwhile."""
    user = ("phone_id", "in-orphan")
    label = await reader.publish("campaigns-orphan", user)
    await reader.until([label], user)
    served.worker.signal(signal.SIGKILL)
    await served.worker.ended()
    assert [[label]] * 20 == [await reader.shown(user) for _ in range(20)]
    served.worker.start()
    answers = []
    ready = asyncio.create_task(served.worker.until_ready())
    while not ready.done():
        answers.append(await reader.shown(user))
        await asyncio.sleep(0.02)
    await ready
    assert [label] == answers[0]
    assert all(answer == [label] for answer in answers)
    await reader.seen(X_Phone_Id="in-orphan")
    await reader.until([], user)
