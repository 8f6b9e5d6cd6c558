"""A stage's rows in another process: every partition of its changelog, followed as it is written.

Who owns a task does not matter here, so neither does a rebalance: what was committed is read. A copy may be
behind by a moment, and says by how much. Like a task's own store it may be dropped at any time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from streams.engine.api import NotYet
from streams.engine.followed import Followed
from streams.engine.kafka import end_offset, partition_of, restore_consumer, stop_within
from streams.engine.layout import Layouts, Phase
from streams.engine.leaving import Leaving
from streams.engine.offsets import PartitionCounts
from streams.engine.restore import Bounds, birth_of, store_folder
from streams.engine.store import StoreMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiokafka import AIOKafkaConsumer
    from aiokafka.structs import ConsumerRecord

    from streams.engine.api import EngineConfig

    Records = Sequence[ConsumerRecord[bytes, bytes]]

log = structlog.get_logger("engine.follower")
BEHIND = "restore"
"""Name of the wait of a reader whose partition has not been read to its end yet."""
POLL_MS = 200
LOOK_S, LOOK_AGAIN_S = 15.0, 5.0
"""Between looks for new partitions."""
AWAY_S = 1.0
STOP_S = 2.0
AT_ONCE, RESTORING = 250, 2_000
"""Rows written at a time: RocksDB's binding holds the interpreter, and requests are answered beside it."""


class Follower:
    """Rows of these tables; `row` raises `NotYet` till it may. `heard` is told keys of rows that came."""

    def __init__(
        self, config: EngineConfig, stage: str, tables: Iterable[int], now_ms: Callable[[], int]
    ) -> None:
        """`now_ms`: wall clock; ages of stores are judged by it, coarsely."""
        self._config = config
        self._stage = stage
        self._topic = config.changelog(stage)
        self._tables = frozenset(bytes([number]) for number in tables)
        self._now_ms = now_ms
        self._memory = StoreMemory(config.store_cache_bytes, config.store_write_bytes)
        self._copies: dict[int, Followed] = {}
        self._layouts = Layouts(config)
        self._leaving = Leaving()
        self._look_at = 0.0
        self._running: asyncio.Task[None] | None = None
        self.heard: Callable[[Iterable[bytes]], None] = lambda _row_keys: None

    def start(self) -> None:
        """Begin in the background; a broker that is away is waited for."""
        self._running = asyncio.create_task(self._run(), name=f"follower-{self._stage}")

    async def stop(self) -> None:
        """Close every store; they are read on from where they stand."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    def row(self, kafka_key: bytes, table: int, key: bytes) -> bytes | None:
        """The live payload of a row that came from records of this Kafka key.

        While the stage changes its number of tasks a row lies in two places, or has just left one of them:
        the one that counts is asked first. What the other still has is older, never of another key.
        """
        now, row_key = self._now_ms(), bytes([table]) + key
        for number, is_needed in self._places(kafka_key):
            copy = self._copies.get(number)
            if copy is None and not is_needed:
                continue
            if copy is None or not copy.caught_up:
                raise NotYet(BEHIND)
            found = copy.row(row_key, now)
            if found is not None:
                return found
        return None

    def lag_ms(self) -> int | None:
        """Since when, at most, something may be missing; None before everything was read once."""
        if not self.caught_up:
            return None
        return max(self._now_ms() - min(copy.fresh_at for copy in self._copies.values()), 0)

    @property
    def caught_up(self) -> bool:
        """Whether each partition was read to an end that it had after the start."""
        return bool(self._copies) and all(copy.caught_up for copy in self._copies.values())

    def _places(self, kafka_key: bytes) -> list[tuple[int, bool]]:
        """Partitions to be asked, in order; whether without one there is no answer.

        Rows are deleted where they were in the transaction that says `done`, which is read here in parts: see
        `streams/engine/leaving.py`.
        """
        layout = self._layouts.of(self._stage)
        if layout is None:
            return [(partition_of(kafka_key, max(len(self._copies), 1)), True)]
        counts = (layout.old, layout.new) if layout.is_under_way else (layout.new, layout.old)
        first, other = (partition_of(kafka_key, count) for count in counts)
        moves = layout.phase in {Phase.MOVE, Phase.DONE}
        return [(first, True)] if first == other else [(first, True), (other, moves)]

    async def _run(self) -> None:
        """One connection after the other; only a cancellation ends it."""
        while True:
            try:
                async with _Clients(self._config) as clients:
                    self._layouts = clients.layouts
                    clients.layouts.listen(self._stage, self._look_soon)
                    await self._follow(clients)
            except (KafkaError, OSError, NotYet) as error:
                log.warning("follower_waits", stage=self._stage, error=repr(error))
            except Exception:
                log.exception("follower_begins_again", stage=self._stage)
            finally:
                await self._close()
            await asyncio.sleep(AWAY_S)

    async def _follow(self, clients: _Clients) -> None:
        """Until an offset is out of range, or the unforeseen: then all is opened again, and looked at."""
        self._look_soon()
        while True:
            try:
                if asyncio.get_running_loop().time() >= self._look_at:
                    self._look_at = asyncio.get_running_loop().time() + LOOK_S
                    await self._look(clients)
                await self._read_once(clients.consumer)
            except (OffsetOutOfRangeError, NoOffsetForPartitionError):
                raise
            except KafkaError as error:
                if not self._copies:
                    raise
                log.warning("follower_waits", stage=self._stage, error=repr(error))
                self._look_at = asyncio.get_running_loop().time() + LOOK_AGAIN_S  # what is open is read first
                await asyncio.sleep(AWAY_S)

    def _look_soon(self) -> None:
        self._look_at = 0.0

    async def _look(self, clients: _Clients) -> None:
        """Open copies of partitions that are new to us."""
        count = (await clients.counts.refresh([self._topic])).get(self._topic, 0)
        if not count:
            raise NotYet(f"topic_missing:{self._topic}")
        if count == len(self._copies):
            return
        for number in range(len(self._copies), count):
            self._copies[number] = await self._opened(clients.consumer, number)
        clients.consumer.assign([TopicPartition(self._topic, number) for number in range(count)])
        for number, copy in self._copies.items():
            clients.consumer.seek(TopicPartition(self._topic, number), copy.position)
        log.info("changelog_followed", stage=self._stage, partitions=count)

    async def _opened(self, consumer: AIOKafkaConsumer, number: int) -> Followed:
        tp = TopicPartition(self._topic, number)
        start, end = int((await consumer.beginning_offsets([tp]))[tp]), await end_offset(consumer, tp)
        bounds = Bounds(start, end, await birth_of(self._config, tp, start, end))
        path = store_folder(self._config, f"{self._stage}-copy") / str(number)
        retention_ms = self._config.delete_retention_ms
        return await Followed.open(path, self._memory, bounds, self._now_ms(), retention_ms)

    async def _read_once(self, consumer: AIOKafkaConsumer) -> None:
        most = AT_ONCE if self.caught_up else RESTORING
        for tp, records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=most)).items():
            await self._keep(self._copies[tp.partition], self._taken(consumer, tp, records))
        for number, copy in self._copies.items():
            tp = TopicPartition(self._topic, number)
            heard_at = int(consumer.last_poll_timestamp(tp) or 0)
            copy.reached(await consumer.position(tp), consumer.last_stable_offset(tp), heard_at)
        for number in self._leaving.let_through(self._copies, self._now_ms()):
            consumer.resume(TopicPartition(self._topic, number))

    def _taken(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Records) -> Records:
        """Those that may be taken. A copy that is not whole yet answers nothing, so it waits for no other."""
        if not self._copies[tp.partition].caught_up:
            return records
        taken = self._leaving.taken(tp.partition, records, self._now_ms())
        if len(taken) < len(records):
            consumer.pause(tp)
            consumer.seek(tp, records[len(taken)].offset)
            self._look_soon()
        return taken

    async def _keep(self, copy: Followed, records: Records) -> None:
        if not records:
            return
        rows = copy.taken(records, self._tables)
        if len(rows) > AT_ONCE:
            await asyncio.to_thread(copy.keep, rows)
        else:
            copy.keep(rows)
        self.heard(key for key, _ in rows)

    async def _close(self) -> None:
        copies, self._copies = self._copies, {}
        self._leaving = Leaving()
        for number, copy in copies.items():
            try:
                await asyncio.to_thread(copy.store.close)
            except Exception:  # a full disk must not end the follower, nor keep the others open
                log.exception("copy_not_closed", stage=self._stage, partition=number)


class _Clients:
    """What one connection of a follower uses."""

    def __init__(self, config: EngineConfig) -> None:
        self._admin = AIOKafkaAdminClient(
            **config.brokers,
            client_id=config.worker,
            request_timeout_ms=config.request_timeout_ms,
        )
        self.consumer = restore_consumer(config)
        self.layouts = Layouts(config)
        self.counts = PartitionCounts(self._admin, self.layouts)

    async def __aenter__(self) -> Self:
        try:
            await self._admin.start()
            await self.consumer.start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await stop_within(self.consumer, STOP_S)
        await self.layouts.stop()
        await self._admin.close()
