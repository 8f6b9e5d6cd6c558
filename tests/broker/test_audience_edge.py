"""The audience edge on a real broker: whole requests or none, a successor at once, each its own answers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from connectors.cipher import Cipher
from connectors.embedded.kafka import EmbeddedKafka
from connectors.http.audience.operations import UNPUBLISH_PATH
from connectors.http.ports import BrokerUnavailableError
from connectors.http.seen import PATH as SEEN_PATH
from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from schemas import topics as t
from schemas.codec import encode_json
from streams import audience_edge, audience_writer
from streams.audience_edge import AudienceEdge
from streams.audience_writer import TRANSACTION_MS
from streams.engine.kafka import transactional_producer
from streams.http import serve
from streams.settings import Settings
from tests.broker.audience_processes import (
    COMMANDS,
    COMPACT,
    HEADERS,
    USERS,
    WRITTEN,
    answer,
    config,
    connected,
    created,
    owner,
    upload,
)
from tests.broker.faults.system import free_port
from tests.servers import embedded

ROOT = Path(__file__).parents[2]
LONG_MS = 300_000
"""A time-out of transactions that no test lives to see."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of these tests alone: the topics have one name in all of them."""
    with embedded(EmbeddedKafka(tmp_path_factory.mktemp("audience") / "kafka")) as address:
        asyncio.run(created(address))
        yield address


@asynccontextmanager
async def killed_in_the_middle(kafka: str, transaction_ms: int) -> AsyncIterator[None]:
    """A process `w1` is killed between its records and their commit."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.broker.audience_processes",
        kafka,
        "app",
        "w1",
        str(transaction_ms),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert WRITTEN.encode() == (await asyncio.wait_for(process.stdout.readline(), 60)).strip()
    process.kill()
    await process.wait()
    yield


async def ends(kafka: str) -> tuple[int, int]:
    """Last stable offsets and ends, of commands and of users together."""
    found = []
    for level in ("read_committed", "read_uncommitted"):
        async with AIOKafkaConsumer(bootstrap_servers=kafka, isolation_level=level) as consumer:
            found.append(sum((await consumer.end_offsets([COMMANDS, USERS])).values()))
    return found[0], found[1]


@pytest.mark.spec("AUD-OP-07 AUD-OP-21")
async def test_a_kill_between_begin_and_commit_leaves_nothing_and_the_successor_opens_the_way_at_once(
    kafka: str,
) -> None:
    """Its time-out is far away, and the successor is asked for nothing yet.

    Mutation tried: the producer made at the first request: the last stable offset stands, the test fails.
    """
    before, _ = await ends(kafka)
    async with killed_in_the_middle(kafka, LONG_MS):
        stable, end = await ends(kafka)
        assert (before, True) == (stable, end >= before + 3)
        async with connected(AudienceEdge(config(kafka, "app", "w1"))) as edge:
            stable, end = await ends(kafka)
            assert stable == end
            async with owner(kafka) as one:
                assert answer("whole") == await edge.ask(upload("whole"), HEADERS)
                assert {"whole"} == set(one.seen)


async def test_the_transaction_of_a_process_that_nobody_starts_again_ends_by_its_time_out(kafka: str) -> None:
    """A replaced pod has another name. Mutation tried: the engine's 15 s: the request gets its 503."""
    other = AudienceEdge(config(kafka, "app", "w2"))
    async with killed_in_the_middle(kafka, TRANSACTION_MS), connected(other) as edge, owner(kafka) as one:
        assert answer("whole") == await edge.ask(upload("whole"), HEADERS)
        assert {"whole"} == set(one.seen)


async def test_after_a_write_that_failed_a_successor_writes_without_being_asked(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is left open with its records in it: the successor aborts it.

    Mutation tried: no successor before the next request: the last stable offset stands.
    """
    monkeypatch.setattr(audience_writer, "TRANSACTION_MS", LONG_MS)
    async with connected(AudienceEdge(config(kafka, "app", "w1"))) as edge, owner(kafka) as one:
        writer = edge._writer
        assert writer is not None
        assert writer._producer is not None
        failed = writer._producer
        with monkeypatch.context() as patched:
            patched.setattr(failed, "commit_transaction", _never)
            patched.setattr(audience_writer, "WRITE_S", 1.0)
            with pytest.raises(BrokerUnavailableError):
                await edge.ask(upload("failed"), HEADERS)
        await asyncio.wait_for(writer._ready.wait(), 30)
        stable, end = await ends(kafka)
        assert stable == end > 0
        assert answer("next") == await edge.ask(upload("next"), HEADERS)
        assert {"next"} == set(one.seen)
        assert writer._producer is not failed


async def _never() -> None:
    await asyncio.Event().wait()


async def test_answers_of_an_aborted_batch_are_not_believed(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage said yes and fell; what it says the second time counts. Mutation: read_uncommitted: fails."""
    monkeypatch.setattr(audience_edge, "ANSWER_S", 20.0)
    async with connected(AudienceEdge(config(kafka, "app", "w1"))) as edge:
        asking = asyncio.create_task(edge.ask(upload("u"), HEADERS))
        stage = transactional_producer(config(kafka, "app", "stage"), "stage")
        async with stage:
            await stage.begin_transaction()
            said = encode_json(answer("u")).replace(b'"accepted"', b'"conflict"')
            await stage.send_and_wait(t.AUDIENCE_ANSWERS, said, key=b"u")
            done, _ = await asyncio.wait([asking], timeout=1.0)
            assert not done
            await stage.abort_transaction()
            async with stage.transaction():
                await stage.send_and_wait(t.AUDIENCE_ANSWERS, encode_json(answer("u")), key=b"u")
        assert "accepted" == (await asking).outcome


async def test_two_processes_at_once_each_get_their_own_answers(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty requests at a time through each; the last waits for the transactions of all before it."""
    monkeypatch.setattr(audience_edge, "ANSWER_S", 60.0)
    first, second = (AudienceEdge(config(kafka, "app", worker)) for worker in ("w1", "w2"))
    async with connected(first), connected(second), owner(kafka):
        names = [(edge, f"{n}-{edge is first}") for n in range(20) for edge in (first, second)]
        found = await asyncio.gather(*(edge.ask(upload(name), HEADERS) for edge, name in names))
    assert [answer(name) for _, name in names] == found


async def test_a_process_that_starts_late_gets_the_answers_to_its_own_requests(kafka: str) -> None:
    """There are answers to others already; and it publishes the schemas before it writes."""
    async with owner(kafka):
        async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
            for name in ("old", "late"):
                value = encode_json(answer(name)).replace(b'"accepted"', b'"conflict"')
                await producer.send_and_wait(t.AUDIENCE_ANSWERS, value, key=name.encode())
            await producer.send_and_wait(t.AUDIENCE_ANSWERS, b"{", key=b"late")
        async with connected(AudienceEdge(config(kafka, "app", "w1"))) as edge:
            assert answer("late") == await edge.ask(upload("late"), HEADERS)
    async with AIOKafkaConsumer(t.SCHEMAS, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        schemas = [record async for record in _some(consumer)]
    assert any(b'"AudiencePublished"' in schema for schema in schemas)


async def _some(consumer: AIOKafkaConsumer) -> AsyncIterator[bytes]:
    for records in (await consumer.getmany(timeout_ms=5_000)).values():
        for record in records:
            yield record.value or b""


async def test_seen_posts_are_taken_while_topics_of_audiences_are_missing_and_they_may_come_late(
    own_kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    """Mutation tried: the check of audiences counts for `/readyz`: never ready."""
    async with topics_of(open_brokers(own_kafka.address)) as topics:
        whole = [TopicSpec(name, 1, config=COMPACT) for name in (t.SCHEMAS, t.KEYS)]
        await topics.create_missing([TopicSpec(t.SEEN, 1), *whole])
    port, ops_port = free_port(), free_port()
    key = f"crm:{sha256(b'ck_live_crm').hexdigest()}:audience"
    http: Any = {"port": port, "ops_port": ops_port, "api_keys": key}
    given: Any = {
        "kafka": {"bootstrap": own_kafka.address},
        "crypto": {"keys": Cipher.new_key("k1")},
        "postgres": {"dsn": "postgresql://nobody@127.0.0.1:9/nowhere"},  # asked by `GET stats/…` only
        "http": http,
    }
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(Settings(data_dir=tmp_path, **given), stop))
    async with aiohttp.ClientSession() as session:
        checks = await ready(session, f"http://127.0.0.1:{ops_port}/readyz")
        assert {"kafka": True, "keys": True, "audience": False} == {
            name: row["ok"] for name, row in checks.items()
        }
        edge = f"http://127.0.0.1:{port}"
        async with session.post(f"{edge}{SEEN_PATH}", json={"tag": "news", "id": "1"}) as answer:
            assert 200 == answer.status
        allowed = {"Authorization": "Bearer ck_live_crm"}
        asked = {"id": "r", "campaign_label": "c"}
        async with session.post(f"{edge}{UNPUBLISH_PATH}", json=asked, headers=allowed) as answer:
            assert (503, "1") == (answer.status, answer.headers["Retry-After"])
        await created(own_kafka.address)
        async with asyncio.timeout(60):
            while not (await ready(session, f"http://127.0.0.1:{ops_port}/readyz"))["audience"]["ok"]:
                await asyncio.sleep(0.1)
    stop.set()
    await serving


async def ready(session: aiohttp.ClientSession, url: str) -> Any:
    """The checks, as soon as all that count hold."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return (await answer.json())["checks"]
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)
