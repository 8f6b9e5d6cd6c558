"""Brokers that know their clients by certificates (mTLS): others learn what to do.

A real broker looks at real certificates; its alerts are what the errors are made of.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from connectors.cipher import Cipher
from connectors.embedded.kafka import free_port
from connectors.kafka_admin import topics_of
from connectors.kafka_clients import Brokers, writing
from schemas import topics as t
from schemas.catalogue import catalogue
from streams.engine.connections import OurCertificateError
from streams.engine.kafka import restore_consumer, stop_within, transactional_producer
from streams.outside import engine_config
from streams.refused import OUR_CERTIFICATE, advised, is_refused
from streams.rights import operator_rights, our_rights, rights_of_others
from streams.settings import Settings, SettingsError, load_settings
from streams.topics import DEFAULT_DESTINATIONS, create_topics
from tests.broker.guarded_kafka import GuardedKafka, guarded_kafka
from tests.certificates import authority

pytestmark = pytest.mark.spec("NS-SEC-031 NS-SEC-OP-06")
KEY = Cipher.new_key("k1")
MONTH = dt.timedelta(days=30)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    with guarded_kafka(tmp_path_factory.mktemp("certified")) as found:
        yield found


def flags_of(kafka: GuardedKafka, certificate: Path | None) -> dict[str, Any]:
    shown = {} if certificate is None else {"kafka.tls_certificate_file": str(certificate)}
    return {
        "crypto.keys": KEY,
        "kafka.bootstrap": kafka.certificates,
        "kafka.tls": True,
        "kafka.tls_ca_file": str(kafka.ca_file),
        **shown,
    }


def settings_of(kafka: GuardedKafka, folder: Path, name: str) -> Settings:
    """Of whoever has this name, by a certificate that the brokers trust."""
    return load_settings(flags_of(kafka, kafka.clients.sign(folder, name)))


def shown(kafka: GuardedKafka, certificate: Path) -> Brokers:
    """With a certificate that our own settings would not take."""
    context = ssl.create_default_context(cafile=kafka.ca_file)
    context.load_cert_chain(certificate)
    return {"bootstrap_servers": kafka.certificates, "security_protocol": "SSL", "ssl_context": context}


async def names(brokers: Brokers) -> set[str]:
    async with topics_of(brokers) as topics:
        return await topics.names()


async def test_whom_his_certificate_names_gets_in_with_the_rights_of_that_name(
    kafka: GuardedKafka, tmp_path: Path
) -> None:
    """Every kind of client. Mutation: `Kafka.user` is the name of SASL only: fails."""
    operator, ours = (settings_of(kafka, tmp_path, name) for name in ("operator", "carillon"))
    orders = settings_of(kafka, tmp_path, "orders")
    assert ("CN=operator", "CN=carillon") == (operator.kafka.user, ours.kafka.user)
    known = catalogue(destinations=DEFAULT_DESTINATIONS)
    kafka.grant(operator_rights(operator.kafka.user or "", "carillon", known))
    kafka.grant(our_rights(ours.kafka.user or "", "carillon", known))
    kafka.grant(rights_of_others({"CN=orders": [t.SEND_REQUEST]}, known))
    await create_topics(operator)
    assert t.OUTCOMES in await names(ours.kafka.brokers())
    async with writing(ours.kafka.brokers()) as write:
        await write(t.OUTCOMES, b"{}")
    async with writing(orders.kafka.brokers()) as write:
        await write(t.SEND_REQUEST, b"{}")
    with pytest.raises(TopicAuthorizationFailedError):
        async with writing(orders.kafka.brokers()) as write:
            await write(t.OUTCOMES, b"{}")
    config = engine_config(ours)
    consumer, producer = restore_consumer(config), transactional_producer(config, "carillon.x.0")
    for client in (consumer, producer):
        await client.start()
    assert t.OUTCOMES in await consumer.topics()
    for client in (consumer, producer):
        await stop_within(client, 1.0)


@pytest.mark.parametrize("case", ["none", "of another authority", "ended"])
async def test_who_is_refused_for_his_certificate_learns_that_and_what_to_do(
    kafka: GuardedKafka, tmp_path: Path, case: str
) -> None:
    """Mutation: the alert behind the handshake of TLS 1.3 is passed over: no broker was there, it says."""
    match case:
        case "none":
            brokers: Brokers = load_settings(flags_of(kafka, None)).kafka.brokers()
        case "ended":
            brokers = shown(kafka, kafka.clients.sign(tmp_path, "ended", lasting=MONTH))
        case _:
            brokers = shown(kafka, authority(tmp_path, "others").sign(tmp_path, "carillon"))
    with pytest.raises(OurCertificateError, match="does not accept our certificate") as refused:
        await names(brokers)
    assert is_refused(refused.value)
    assert advised(refused.value).endswith(OUR_CERTIFICATE)


async def test_every_kind_of_client_learns_it(kafka: GuardedKafka) -> None:
    config = engine_config(load_settings(flags_of(kafka, None)))
    for client in (restore_consumer(config), transactional_producer(config, "carillon.x.0")):
        with pytest.raises(OurCertificateError):
            await client.start()
        await stop_within(client, 1.0)


def test_a_certificate_that_has_ended_is_told_before_anybody_is_asked(
    kafka: GuardedKafka, tmp_path: Path
) -> None:
    """The brokers' alert does not say so."""
    ended = kafka.clients.sign(tmp_path, "ended", lasting=MONTH)
    with pytest.raises(SettingsError, match="valid from 2020-01-01T00:00Z to 2020-01-31T00:00Z only"):
        load_settings(flags_of(kafka, ended))


@pytest.mark.parametrize("words", [("topics", "list"), ("worker", "--stages", "intake")], ids=" ".join)
def test_a_command_and_a_worker_say_what_to_do(
    kafka: GuardedKafka, words: tuple[str, ...], tmp_path: Path
) -> None:
    stranger = authority(tmp_path, "others").sign(tmp_path, "carillon")
    given = {
        "CRYPTO__KEYS": KEY,
        "KAFKA__BOOTSTRAP": kafka.certificates,
        "KAFKA__TLS": "true",
        "KAFKA__TLS_CA_FILE": str(kafka.ca_file),
        "KAFKA__TLS_CERTIFICATE_FILE": str(stranger),
        "POSTGRES__DSN": "postgresql://nobody@127.0.0.1:1/none",
        "HTTP__OPS_PORT": str(free_port(0)),
        "DATA_DIR": str(tmp_path),
    }
    env = {**os.environ, **{f"CARILLON_{name}": value for name, value in given.items()}}
    argv = [sys.executable, "-m", "streams.cli", *words]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert (2, True) == (done.returncode, OUR_CERTIFICATE in done.stdout + done.stderr)
