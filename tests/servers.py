"""Kafka and Postgres for the tests, from one of three sources; the same tests run on each.

- embedded (default): real servers out of packages;
- `CARILLON_TEST_SERVERS=containers`: testcontainers, where a container engine runs;
- `CARILLON_TEST_KAFKA`, `CARILLON_TEST_POSTGRES`: given addresses, one of them or both.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.postgres import PostgresContainer

from connectors.embedded.kafka import PROPERTIES, EmbeddedKafka
from connectors.embedded.postgres import EmbeddedPostgres

KAFKA_IMAGE = "confluentinc/cp-kafka:8.1.0"
POSTGRES_IMAGE = "postgres:18-alpine"
LAID_BY_CONTAINER = ("process.roles", "node.id", "controller.listener.names")


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the tests find their servers. Others use them too: topics and groups carry names of the test."""

    bootstrap: str
    dsn: str


@contextmanager
def running_servers(folder: Path, environment: Mapping[str, str] = os.environ) -> Iterator[Servers]:
    """Both servers, for the length of the block."""
    kafka, postgres = sources(folder, environment)
    with ExitStack() as stack:
        yield Servers(stack.enter_context(kafka), stack.enter_context(postgres))


def sources(
    folder: Path, environment: Mapping[str, str]
) -> tuple[AbstractContextManager[str], AbstractContextManager[str]]:
    """Kafka's and Postgres's source, not started yet: a given address wins over the kind of servers."""
    kind = environment.get("CARILLON_TEST_SERVERS", "embedded")
    kinds = {
        "embedded": (
            embedded(EmbeddedKafka(folder / "kafka")),
            embedded(EmbeddedPostgres(folder / "postgres")),
        ),
        "containers": (kafka_container(), postgres_container()),
    }
    if kind not in kinds:
        raise ValueError(f"CARILLON_TEST_SERVERS is {kind!r}; it may be {' or '.join(kinds)}")
    kafka, postgres = kinds[kind]
    given_kafka = environment.get("CARILLON_TEST_KAFKA")
    given_postgres = environment.get("CARILLON_TEST_POSTGRES")
    return (
        nullcontext(given_kafka) if given_kafka else kafka,
        nullcontext(given_postgres) if given_postgres else postgres,
    )


@contextmanager
def embedded(server: EmbeddedKafka | EmbeddedPostgres) -> Iterator[str]:
    """An embedded server's address, for code without an event loop."""
    try:
        yield asyncio.run(server.start())
    finally:
        asyncio.run(server.stop())


@contextmanager
def kafka_container() -> Iterator[str]:
    """The embedded broker's settings on the vendor's image."""
    container = KafkaContainer(KAFKA_IMAGE).with_kraft()
    for name, value in PROPERTIES.items():
        if name not in LAID_BY_CONTAINER:
            container.with_env(f"KAFKA_{name.replace('.', '_').upper()}", str(value))
    with container:
        yield container.get_bootstrap_server()


@contextmanager
def postgres_container() -> Iterator[str]:
    """The vendor's image."""
    with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
        yield container.get_connection_url()


@asynccontextmanager
async def fresh_database(dsn: str, name: str) -> AsyncIterator[str]:
    """The DSN of an empty database, dropped after the block together with connections that still hold it."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{name}"')
        yield urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()
