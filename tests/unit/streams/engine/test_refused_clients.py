"""A client that starts says why it was refused (streams/engine/connections.py); SASL, mTLS: tests/broker."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import AuthenticationFailedError, KafkaConnectionError, TopicAuthorizationFailedError

from streams.engine.connections import REFUSALS, OurCertificateError
from streams.refused import FORBIDDEN, NOBODY_THERE, OUR_CERTIFICATE, UNKNOWN_TO_BROKERS, advised, is_refused
from tests.certificates import certified


@asynccontextmanager
async def door(tls: ssl.SSLContext | None, said: bytes = b"") -> AsyncIterator[str]:
    """Says this to whoever comes, and nothing more."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


async def start(address: str) -> None:
    context = ssl.create_default_context()
    client: Any = AIOKafkaClient(bootstrap_servers=address, security_protocol="SSL", ssl_context=context)
    try:
        await client.bootstrap()
    finally:
        await client.close()


async def test_a_certificate_of_strangers_is_told_as_that(tmp_path: Path) -> None:
    """Mutation tried: aiokafka's own start: fails, it says that no broker was there."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certified(tmp_path))
    async with door(tls) as address:
        with pytest.raises(AuthenticationFailedError, match="the certificate of 127"):
            await start(address)


async def test_a_door_without_tls_is_told_as_that_and_may_be_asked_again() -> None:
    async with door(None, b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        with pytest.raises(KafkaConnectionError, match="no TLS with 127") as refused:
            await start(address)
    assert not is_refused(refused.value)


async def test_what_an_earlier_start_was_refused_for_is_not_said_of_a_later_one(tmp_path: Path) -> None:
    """Mutation tried: the refusal kept: fails."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certified(tmp_path))
    async with door(tls) as address:
        with pytest.raises(AuthenticationFailedError):
            await start(address)
    with pytest.raises(KafkaConnectionError, match="Unable to bootstrap"):
        await start("127.0.0.1:1")


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_person_is_told_what_to_look_at(kind: type[Exception]) -> None:
    assert is_refused(kind("no"))
    assert advised(kind("no")).endswith(UNKNOWN_TO_BROKERS)


def test_what_is_forbidden_names_the_command_and_others_their_setting() -> None:
    assert advised(OurCertificateError("unknown")).endswith(OUR_CERTIFICATE)
    assert advised(TopicAuthorizationFailedError("rows")).endswith(FORBIDDEN)
    assert advised(KafkaConnectionError("gone")).endswith(NOBODY_THERE)
    assert ("a fault", False) == (advised(ValueError("a fault")), is_refused(ValueError("a fault")))
