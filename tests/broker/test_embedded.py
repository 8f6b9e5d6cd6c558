"""Embedded servers: they answer, find their data again, and never outlive the one who started them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from connectors.embedded import kafka as kafka_module
from connectors.embedded import postgres as postgres_module
from connectors.embedded.kafka import HOST, EmbeddedKafka, KafkaOptions
from connectors.embedded.postgres import EmbeddedPostgres
from connectors.embedded.process import EmbeddedError, in_use
from connectors.kafka_admin import TopicError, TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from tests.servers import Servers, running_servers, sources

OWNER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from connectors.embedded.kafka import EmbeddedKafka
    from connectors.embedded.postgres import EmbeddedPostgres

    async def own(folder):
        kafka, postgres = EmbeddedKafka(folder / "kafka"), EmbeddedPostgres(folder / "postgres")
        async with kafka, postgres:
            print("pids", kafka.pid, postgres.pid, flush=True)
            await asyncio.Event().wait()

    asyncio.run(own(Path(sys.argv[1])))
    """
)


async def written(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def read_first(bootstrap: str, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        value: bytes | None = (await asyncio.wait_for(consumer.getone(), 30)).value
        return value


async def test_shared_servers_answer(servers: Servers, database: str, app_prefix: str) -> None:
    async with topics_of(open_brokers(servers.bootstrap)) as topics:
        assert [app_prefix] == await topics.create_missing([TopicSpec(app_prefix, partitions=3)])
        assert [] == await topics.create_missing([TopicSpec(app_prefix, partitions=3)])
        assert {app_prefix: 3} == await topics.partition_counts([app_prefix, "no.such.topic"])
        assert app_prefix in await topics.names()
    connection = await asyncpg.connect(database)
    assert 1 == await connection.fetchval("SELECT 1")
    await connection.close()


def test_given_addresses_win_over_servers_of_our_own(tmp_path: Path) -> None:
    given = {"CARILLON_TEST_KAFKA": "broker:9092", "CARILLON_TEST_POSTGRES": "postgresql://database"}
    with running_servers(tmp_path, given) as servers:
        assert Servers("broker:9092", "postgresql://database") == servers
    assert [] == list(tmp_path.iterdir())


def test_an_unknown_kind_of_servers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'cloud'; it may be embedded or containers"):
        sources(tmp_path, {"CARILLON_TEST_SERVERS": "cloud"})


async def test_a_topic_the_cluster_refuses_is_named_with_its_reason(
    servers: Servers, app_prefix: str
) -> None:
    async with topics_of(open_brokers(servers.bootstrap)) as topics:
        with pytest.raises(TopicError, match=f"{app_prefix}: .*[Rr]eplication factor"):
            await topics.create_missing([TopicSpec(app_prefix, partitions=1, replication=7)])


async def test_killed_broker_starts_again_at_its_address_with_its_data(own_kafka: EmbeddedKafka) -> None:
    address, pid = own_kafka.address, own_kafka.pid
    async with topics_of(open_brokers(address)) as topics:
        await topics.create_missing([TopicSpec("kept", partitions=1)])
    await written(address, "kept", b"before the kill")

    os.kill(pid, signal.SIGKILL)
    assert address == await own_kafka.start()

    assert pid != own_kafka.pid
    assert b"before the kill" == await read_first(address, "kept")


async def test_broker_frozen_and_thawed_is_the_same_broker(own_kafka: EmbeddedKafka) -> None:
    pid = own_kafka.pid
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(30):  # a signal takes effect when its process is next looked at
        while psutil.Process(pid).status() != psutil.STATUS_STOPPED:
            await asyncio.sleep(0.01)
    os.kill(pid, signal.SIGCONT)
    async with topics_of(open_brokers(own_kafka.address)) as topics:
        assert ["after"] == await topics.create_missing([TopicSpec("after", partitions=1)])
    assert pid == own_kafka.pid


async def test_frozen_broker_can_be_stopped(own_kafka: EmbeddedKafka) -> None:
    pid = own_kafka.pid
    os.kill(pid, signal.SIGSTOP)
    await own_kafka.stop()
    assert not psutil.pid_exists(pid)


async def test_restarted_postgres_has_its_address_and_data(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    address = await postgres.start()
    connection = await asyncpg.connect(address)
    await connection.execute("CREATE TABLE kept (a int)")
    await connection.close()

    await postgres.stop()
    assert postgres_module.find(tmp_path / "postgres") is None
    assert address == await postgres.start()
    os.kill(postgres.pid, signal.SIGKILL)
    assert address == await postgres.start()
    assert address == postgres_module.find(tmp_path / "postgres")

    connection = await asyncpg.connect(address)
    assert 0 == await connection.fetchval("SELECT count(*) FROM kept")
    await connection.close()
    await postgres.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_servers_end_with_their_owner(tmp_path: Path, number: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        line = next(line for line in owner.stdout if line.startswith("pids "))
        orphans = [psutil.Process(int(pid)) for pid in line.split()[1:]]
        owner.send_signal(number)
    gone, alive = psutil.wait_procs(orphans, timeout=60)
    assert [] == alive
    assert 2 == len(gone)


async def test_next_owner_waits_for_the_killed_ones_server_and_finds_its_port(tmp_path: Path) -> None:
    first = EmbeddedKafka(tmp_path / "kafka")
    address = await first.start()
    assert address == kafka_module.find(tmp_path / "kafka")
    stopping = asyncio.create_task(first.stop())
    second = EmbeddedKafka(tmp_path / "kafka")
    assert address == await second.start()
    await stopping
    await second.stop()
    assert kafka_module.find(tmp_path / "kafka") is None


async def test_a_busy_port_is_left_alone_and_another_remembered(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as busy:
        taken = busy.getsockname()[1]
        memory = tmp_path / "ports.json"
        memory.write_text(json.dumps({"broker": taken, "controller": taken}))
        broker, controller = kafka_module.choose_ports(memory, KafkaOptions())
    assert len({taken, broker, controller}) == 3
    assert {"broker": broker, "controller": controller} == json.loads(memory.read_text())
    assert (broker, controller) == kafka_module.choose_ports(memory, KafkaOptions())


async def test_a_server_that_dies_at_its_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    broken = EmbeddedKafka(tmp_path / "kafka", KafkaOptions(properties={"message.max.bytes": "plenty"}))
    with pytest.raises(EmbeddedError, match=r"(?s)ended with code 1.*message\.max\.bytes"):
        await broken.start()
    assert not in_use(tmp_path / "kafka")
