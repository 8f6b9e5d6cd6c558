"""What users do with their messages, on its way into Kafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from connectors.http.ports import BrokerUnavailableError
from schemas.codec import encode
from schemas.ids import subject_key
from schemas.records import MailboxActed
from schemas.topics import MAILBOX

if TYPE_CHECKING:
    from connectors.http.mailbox.frames import Said
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace


async def acted(ports: EdgePorts, user_id: str, said: Said, trace: Trace) -> bool:
    """Whether all in-sync replicas have it; if not, it may be said again: repeats change nothing."""
    record = MailboxActed(user_id=user_id, act=said.act, message_ids=said.message_ids, at=ports.now_ms())
    try:
        async with asyncio.timeout(ports.publish_timeout_ms / 1000):
            await ports.produce(MAILBOX, subject_key(user_id), encode(record), trace.headers())
    except (BrokerUnavailableError, TimeoutError):
        return False
    return True
