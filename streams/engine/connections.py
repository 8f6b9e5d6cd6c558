"""Connections of aiokafka on uvloop: a transport that was closed fails as one that broke (design rule 17).

After a reset by the peer there are turns of the loop in which aiokafka takes a connection for whole and
uvloop raises a plain `RuntimeError` when it is written to. aiokafka knows `OSError` only: its metadata task
dies of the other, nothing starts it again, and whoever waits for metadata waits for ever. Pinned to 0.14.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

_send = AIOKafkaConnection.send
_connect = AIOKafkaConnection.connect


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
    except KafkaError:
        raise
    except RuntimeError as error:
        raise ConnectionError(str(error)) from error


AIOKafkaConnection.send = _sent
AIOKafkaConnection.connect = _connected
