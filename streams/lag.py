"""Whether a stage has read all there is: used by the demo between its phases, and by tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from connectors.kafka_clients import Brokers

POLL_MS = 150


class Lag:
    """Asks about one cluster. Only records count: offsets of transaction markers do not.

    So it reads to the end, however slow the broker is: an empty answer in time proves nothing. Nor does the
    end while a transaction is open: the stage before may have committed it, and its marker is on the way.
    """

    def __init__(self, brokers: Brokers) -> None:
        self._admin = AIOKafkaAdminClient(**brokers)
        self._reader = AIOKafkaConsumer(**brokers, isolation_level="read_committed", enable_auto_commit=False)
        self._open = AIOKafkaConsumer(**brokers, enable_auto_commit=False)

    async def start(self) -> None:
        """Connect."""
        await self._admin.start()
        await self._reader.start()
        await self._open.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._open.stop()
        await self._reader.stop()
        await self._admin.close()

    async def caught_up(self, group: str, topics: Iterable[str]) -> bool:
        """Whether the group's offsets have no record behind them, and none that may yet be committed."""
        described = await self._admin.describe_topics(list(topics))
        tps = [TopicPartition(t["topic"], p["partition"]) for t in described for p in t["partitions"]]
        committed = await self._admin.list_consumer_group_offsets(group, partitions=tps)
        self._reader.assign(tps)
        first = await self._reader.beginning_offsets(tps)
        for tp, found in committed.items():
            self._reader.seek(tp, max(found.offset, first[tp]))  # -1: nothing was committed yet
        ends = await self._reader.end_offsets(tps)
        if ends != await self._open.end_offsets(tps):
            return False
        while any([await self._reader.position(tp) < end for tp, end in ends.items()]):
            if await self._reader.getmany(*tps, timeout_ms=POLL_MS, max_records=1):
                return False
        return True

    async def wait(self, group: str, topics: Iterable[str]) -> None:
        """Until the group has caught up; a coordinator that is not there yet is waited for."""
        wanted = list(topics)
        while True:
            with suppress(KafkaError):
                if await self.caught_up(group, wanted):
                    return
            await asyncio.sleep(POLL_MS / 1000)
