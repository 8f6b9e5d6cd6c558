"""Connections of aiokafka on uvloop: a transport that was closed fails as one that broke (design rule 17).

After a reset by the peer there are turns of the loop in which aiokafka takes a connection for whole and
uvloop raises a plain `RuntimeError` when it is written to. aiokafka knows `OSError` only: its metadata task
dies of the other, nothing starts it again, and whoever waits for metadata waits for ever. Pinned to 0.14.

A client that starts says why the brokers refused it, where aiokafka says of everything that none was there;
and it does not start with a cluster of no brokers, in which aiokafka then fails by an assertion.
"""

from __future__ import annotations

import ssl
from contextvars import ContextVar
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

REFUSALS = (
    AuthenticationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
"""Whoever asks again gets the same answer: a person must change a password, a mechanism or a certificate."""


class OurCertificateError(AuthenticationFailedError):  # type: ignore[misc] # aiokafka is untyped
    """The brokers want a certificate of ours, or do not accept the one that we show."""


NOBODY_ALIVE = "the brokers that answer count nobody among the living yet"
"""A broker that was away for longer than its session answers so until it is registered again."""
ABOUT_OURS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")
"""Words in alerts of the other side that are about our certificate; OpenSSL's names of them."""

_send = AIOKafkaConnection.send
_connect = AIOKafkaConnection.connect
_bootstrap = AIOKafkaClient.bootstrap
_refusal: ContextVar[KafkaError | None] = ContextVar("refusal", default=None)
"""Why the last connection was not made, if that is known better than aiokafka tells it."""


def _sent(self: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - its own
    try:
        return _send(self, request, expect_response)
    except KafkaError:  # these are `RuntimeError`s too
        raise
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"the connection is closed: {error}") from error


async def _connected(self: AIOKafkaConnection) -> Any:
    try:
        return await _connect(self)
    except REFUSALS as error:
        _refusal.set(error)
        raise
    except ssl.SSLError as error:
        _refusal.set(_told(self, error))
        raise
    except KafkaError as error:
        # With TLS 1.3 the brokers look at our certificate when we take the connection for made.
        if isinstance(error.__cause__, ssl.SSLError):
            _refusal.set(_told(self, error.__cause__))
        raise
    except RuntimeError as error:
        raise ConnectionError(str(error)) from error


def _told(self: AIOKafkaConnection, error: ssl.SSLError) -> KafkaError:
    """Whose certificate is at fault, if one is."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return AuthenticationFailedError(f"the certificate of {self.host}: {error.verify_message}")
    reason = error.reason or ""
    if "ALERT" in reason and any(word in reason for word in ABOUT_OURS):
        return OurCertificateError(f"{self.host}:{self.port} does not accept our certificate: {reason}")
    return KafkaConnectionError(f"no TLS with {self.host}:{self.port}: {reason}")


async def _started(self: AIOKafkaClient) -> None:
    _refusal.set(None)
    try:
        await _bootstrap(self)
    except KafkaConnectionError as error:
        if (refusal := _refusal.get()) is not None:
            raise refusal from error
        raise
    if not self.cluster.brokers():
        await self.close()
        raise KafkaConnectionError(NOBODY_ALIVE)


AIOKafkaConnection.send = _sent
AIOKafkaConnection.connect = _connected
AIOKafkaClient.bootstrap = _started
