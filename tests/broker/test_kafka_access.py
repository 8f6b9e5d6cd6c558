"""Brokers that ask who comes: right words get in, wrong ones are told, and rights are enough and no more.

The certificate, users and rights are real ones of a real broker.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.errors import (
    AuthenticationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)

from connectors.cipher import Cipher
from connectors.embedded.kafka import free_port
from connectors.embedded.postgres import EmbeddedPostgres
from connectors.kafka_admin import TopicError, TopicSpec, topics_of
from connectors.kafka_clients import writing
from schemas import topics as t
from schemas.catalogue import catalogue
from streams.applying import apply_directory
from streams.children import Children
from streams.engine.kafka import restore_consumer, stop_within, transactional_producer
from streams.migrating import bring_tables_up
from streams.outside import engine_config
from streams.refused import UNKNOWN_TO_BROKERS
from streams.rights import operator_rights, our_rights, rights_of_others
from streams.settings import Settings, load_settings
from streams.topics import DEFAULT_DESTINATIONS, create_topics, unsafe, wanted
from streams.why import explain
from tests.broker.guarded_kafka import PLAIN_PASSWORD, PLAIN_USER, GuardedKafka, guarded_kafka

PATIENCE_S, POLL_S = 120.0, 0.2
pytestmark = pytest.mark.spec("NS-SEC-031 NS-SEC-OP-06")
EXAMPLES = Path(__file__).parents[2] / "examples"
PASSWORD = "a password, = with signs"
USER = "7b0f6c1e-5d3a-4c55-9a0e-2f1d9b8c7a61"
KEY = Cipher.new_key("k1")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    with guarded_kafka(tmp_path_factory.mktemp("guarded")) as found:
        found.add_user("carillon", PASSWORD)
        found.add_user("old-fashioned", PASSWORD, "SCRAM-SHA-256")
        yield found


def settings_of(kafka: GuardedKafka, user: str = "carillon", **flags: Any) -> Settings:
    given = {
        "crypto.keys": KEY,
        "kafka.bootstrap": kafka.sasl,
        "kafka.sasl_mechanism": "SCRAM-SHA-512",
        "kafka.username": user,
        "kafka.password": PASSWORD,
    }
    return load_settings({**given, **flags})


async def names(settings: Settings) -> set[str]:
    async with topics_of(settings.kafka.brokers()) as topics:
        return await topics.names()


@pytest.mark.parametrize(
    ("user", "mechanism"),
    [("carillon", "SCRAM-SHA-512"), ("old-fashioned", "SCRAM-SHA-256"), (PLAIN_USER, "PLAIN")],
)
@pytest.mark.parametrize("has_tls", [False, True])
async def test_a_user_with_his_password_gets_in(
    kafka: GuardedKafka, user: str, mechanism: str, *, has_tls: bool
) -> None:
    flags: dict[str, Any] = {
        "kafka.sasl_mechanism": mechanism,
        "kafka.password": PLAIN_PASSWORD if mechanism == "PLAIN" else PASSWORD,
    }
    if has_tls:
        flags |= {"kafka.bootstrap": kafka.tls, "kafka.tls": True, "kafka.tls_ca_file": str(kafka.ca_file)}
    assert set() == await names(settings_of(kafka, user, **flags)) & {"nobody's"}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"kafka.password": "another"}, SaslAuthenticationFailed),
        ({"kafka.username": "stranger"}, SaslAuthenticationFailed),
        ({"kafka.sasl_mechanism": "SCRAM-SHA-256"}, SaslAuthenticationFailed),
    ],
)
async def test_who_is_refused_learns_why(
    kafka: GuardedKafka, flags: dict[str, Any], expected: type[Exception]
) -> None:
    """Not that no broker was there, which is all that aiokafka says."""
    with pytest.raises(expected) as refused:
        await names(settings_of(kafka, **flags))
    assert "Unable to bootstrap" not in str(refused.value)


async def test_brokers_with_a_certificate_of_strangers_are_not_believed(kafka: GuardedKafka) -> None:
    over_tls: dict[str, Any] = {"kafka.bootstrap": kafka.tls, "kafka.tls": True}
    with pytest.raises(AuthenticationFailedError, match="the certificate of 127"):
        await names(settings_of(kafka, **over_tls))


async def test_every_kind_of_client_learns_it(kafka: GuardedKafka) -> None:
    config = engine_config(settings_of(kafka, **{"kafka.password": "another"}))
    for client in (restore_consumer(config), transactional_producer(config, "carillon.x.0")):
        with pytest.raises(SaslAuthenticationFailed):
            await client.start()
        await stop_within(client, 1.0)


def environment(kafka: GuardedKafka, password: str) -> dict[str, str]:
    given = {
        "CRYPTO__KEYS": KEY,
        "KAFKA__BOOTSTRAP": kafka.sasl,
        "KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA__USERNAME": "carillon",
        "KAFKA__PASSWORD": password,
        "POSTGRES__DSN": "postgresql://nobody@127.0.0.1:1/none",
        "HTTP__OPS_PORT": str(free_port(0)),
    }
    return {**os.environ, **{f"CARILLON_{name}": value for name, value in given.items()}}


@pytest.mark.parametrize(
    "words", [("topics", "list"), ("doctor",), ("worker", "--stages", "intake")], ids=" ".join
)
def test_a_command_says_what_to_do_about_a_wrong_password(
    kafka: GuardedKafka, words: tuple[str, ...], tmp_path: Path
) -> None:
    given = {**environment(kafka, "another"), "CARILLON_DATA_DIR": str(tmp_path)}
    argv = [sys.executable, "-m", "streams.cli", *words]
    done = subprocess.run(argv, env=given, capture_output=True, text=True, check=False)
    assert UNKNOWN_TO_BROKERS in done.stdout + done.stderr
    assert "another" not in done.stdout + done.stderr
    assert (1 if words == ("doctor",) else 2) == done.returncode


@asynccontextmanager
async def installed(kafka: GuardedKafka, folder: Path) -> AsyncIterator[tuple[Settings, Settings]]:
    """Settings of the operator and of workers, each with the rights that the command prints for him."""
    known = catalogue(destinations=DEFAULT_DESTINATIONS)
    kafka.add_user("operator", PASSWORD)
    kafka.grant([*our_rights("carillon", "guarded", known), *operator_rights("operator", "guarded", known)])
    async with EmbeddedPostgres(folder / "postgres") as postgres:
        flags: dict[str, Any] = {
            "kafka.app": "guarded",
            "kafka.partitions": 1,
            "postgres.dsn": postgres.address,
            "data_dir": str(folder / "data"),
        }
        yield settings_of(kafka, "operator", **flags), settings_of(kafka, **flags)


def on_port(settings: Settings, port: int) -> Settings:
    return settings.model_copy(
        update={"http": settings.http.model_copy(update={"port": free_port(0), "ops_port": port})}
    )


async def became(settings: Settings, key: str) -> list[tuple[str, str | None]]:
    """What became of the request of this key, once it stands in Postgres."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await explain(settings, key, is_key=True)).requests:
            await asyncio.sleep(POLL_S)
    return [(one.outcome, one.reason) for one in found.requests]


async def ask(settings: Settings, topic: str, source: str) -> None:
    """As a service does, whose word `source` is."""
    body = {"user_id": USER, "notification_type": "payout", "data": {}, "idempotency_key": source}
    async with writing(settings.kafka.brokers()) as write:
        await write(topic, orjson.dumps(body), key=USER.encode(), headers=[("source", source.encode())])


async def test_the_printed_rights_are_enough_for_the_pipeline_and_senders_have_no_more(
    kafka: GuardedKafka, tmp_path: Path
) -> None:
    """Topics, reference data, workers, HTTP, a request of a service: each under its own user."""
    kafka.add_user("orders", PASSWORD)
    kafka.grant(rights_of_others({"orders": [t.SEND_REQUEST]}, catalogue()))
    orders = settings_of(kafka, "orders")
    async with installed(kafka, tmp_path) as (operator, ours):
        await create_topics(operator)
        specs = {spec.name: spec for spec in wanted(operator)}
        async with topics_of(operator.kafka.brokers()) as topics:
            found = await topics.configs(specs)
        assert {} == {name: lacks for name, spec in specs.items() if (lacks := unsafe(spec, found[name]))}
        await bring_tables_up(operator)
        await apply_directory(operator, EXAMPLES)
        async with AsyncExitStack() as stack:
            children = Children(tmp_path, stack)
            for name in ("worker", "http"):
                port = free_port(0)
                await children.start(name, on_port(ours, port), name)
                await children.wait_ready(name, f"http://127.0.0.1:{port}/readyz")
            await ask(orders, t.SEND_REQUEST, "orders")
            assert [("rejected", "sender_not_allowed")] == await became(ours, "orders")
        for forbidden in (t.OUTCOMES, "payment.events", t.PREFERENCE_CHANGES):
            with pytest.raises(TopicAuthorizationFailedError):
                await ask(orders, forbidden, "orders")
        async with topics_of(ours.kafka.brokers()) as topics:
            with pytest.raises(TopicError):
                await topics.create_missing([TopicSpec("guarded.new", 1)])
