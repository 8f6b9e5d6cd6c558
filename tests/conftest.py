"""Fixtures that every folder of tests may ask for; only who asks starts a server."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from connectors.embedded.kafka import EmbeddedKafka
from tests.servers import Servers, fresh_database, running_servers

settings.register_profile("carillon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("carillon")  # no test is about time: a busy machine must not make one fail


HOUSE = "tests/broker/house/"


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Of the processes of `make test` one runs all tests of a file, and one all that share the house."""

    def _split_scope(self, nodeid: str) -> str:
        return HOUSE if nodeid.startswith(HOUSE) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Called by pytest-xdist, when there is more than one process."""
    return ByFile(config, log)


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001 - the hook's shape
    item: pytest.Item,  # noqa: ARG001
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test runs on the loop of workers and HTTP: its transports and errors are not asyncio's own."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One Kafka and one Postgres for all tests of a process; tests/servers.py says where they come from."""
    folder = tmp_path_factory.mktemp("servers")
    with running_servers(folder) as both:
        yield both
    shutil.rmtree(folder)


@pytest.fixture
def app_prefix(request: pytest.FixtureRequest) -> str:
    """A word that no other test uses, to begin topics, groups and transactional ids with."""
    test = re.sub(r"\W+", "-", request.node.originalname)[:40].strip("-")
    return f"{test}-{secrets.token_hex(3)}"


@pytest.fixture
async def database(servers: Servers, app_prefix: str) -> AsyncIterator[str]:
    """The DSN of an empty database of this test alone."""
    async with fresh_database(servers.dsn, app_prefix.replace("-", "_")) as dsn:
        yield dsn


@pytest.fixture
async def own_kafka(tmp_path: Path) -> AsyncIterator[EmbeddedKafka]:
    """A started broker of this test alone, to be stopped, killed and started again; always embedded."""
    async with EmbeddedKafka(tmp_path / "kafka") as kafka:
        yield kafka
