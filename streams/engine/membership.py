"""One worker's place in a stage's group: which tasks are ours, and proof that they still are (rules 3, 4, 7).

The group consumer never fetches: it joins, heartbeats and tells. Records come through a consumer of their
own, so a rebalance moves no position and a task that stays never stops.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams.engine.api import StageFailedError
from streams.engine.assignor import assignor_for
from streams.engine.failures import Failure, FencedInstanceIdError, classify
from streams.engine.kafka import stop_within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from streams.engine.api import EngineConfig

log = structlog.get_logger("engine.membership")
POLL_S = 0.2
STOP_S = 5.0
LAG_S = 1.0
"""Longest wait for a commit that is for lag only: with the coordinator away aiokafka asks without end."""

Given = dict[int, tuple[TopicPartition, ...]]
"""Task numbers with their partitions, one per input."""


class Membership(ConsumerRebalanceListener):
    """The stage's group consumer. `tasks`: what the group last gave us; `changed` is set when it changes."""

    def __init__(
        self,
        config: EngineConfig,
        stage: str,
        topics: list[str],
        before_rejoin: Callable[[], Awaitable[None]],
    ) -> None:
        """`before_rejoin` runs, in bounded time, before the group may give our tasks to others."""
        self._config = config
        self._stage = stage
        self._topics = topics
        self._before_rejoin = before_rejoin
        self._closing = False
        self._confirmed_at = 0.0
        self._coordinator: Any = None
        self._consumer = AIOKafkaConsumer(
            **config.brokers,
            client_id=config.worker,
            group_id=config.group(stage),
            group_instance_id=config.worker if config.static_id else None,
            partition_assignment_strategy=(assignor_for(config.worker),),
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=config.session_timeout_ms,
            heartbeat_interval_ms=config.heartbeat_interval_ms,
            request_timeout_ms=config.request_timeout_ms,
            retry_backoff_ms=100,
        )
        self.generation = 0
        self.tasks: Mapping[int, tuple[TopicPartition, ...]] = {}
        self.changed = asyncio.Event()
        self.lost: Exception | None = None

    async def start(self) -> None:
        """Join the group; tasks arrive through `changed`."""
        await self._consumer.start()
        self._coordinator = self._consumer._coordinator  # noqa: SLF001 - pinned to aiokafka 0.14
        self._watch_coordinator(self._coordinator)
        self._consumer.subscribe(self._topics, listener=self)

    def _watch_coordinator(self, coordinator: Any) -> None:
        """Learn of heartbeats that succeeded and of a lost member id, which aiokafka tells nobody."""
        heartbeat, send = coordinator._do_heartbeat, coordinator._send_req  # noqa: SLF001 - it has no events
        reset = coordinator.reset_generation

        async def watched_heartbeat() -> bool:
            sent_at = asyncio.get_running_loop().time()
            alive = bool(await heartbeat())
            if alive and not coordinator._rejoin_needed_fut.done():  # noqa: SLF001
                self._confirmed_at = sent_at
            return alive

        def watched_reset() -> None:
            if not self._static_id_lost():
                reset()

        async def watched_send(request: object) -> object:
            answer = await send(request)
            if getattr(answer, "error_code", 0) == FencedInstanceIdError.errno:
                self._static_id_lost()
            return answer

        coordinator._do_heartbeat = watched_heartbeat  # noqa: SLF001
        coordinator.reset_generation = watched_reset
        coordinator._send_req = watched_send  # noqa: SLF001

    def _static_id_lost(self) -> bool:
        """Whether a static member lost its id: it ends without a rejoin, which would drive out the holder."""
        if not self._config.static_id or self._closing:
            return False
        text = f"stage {self._stage}: member id of static worker {self._config.worker!r} is lost"
        self._fail(StageFailedError(f"{text}; another process holds it or the session ran out: restart"))
        return True

    def _fail(self, error: Exception) -> None:
        self.lost = self.lost or error
        self.changed.set()

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride] # aiokafka awaits it
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        """The group rebalances: hand over what must not be cut off; everything else goes on."""
        if not revoked or self._closing:
            return
        try:
            await self._before_rejoin()
        except Exception as error:  # noqa: BLE001 - aiokafka would log it and go on (rule 3: a failed listener ends the stage)
            self._fail(error)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note the new tasks and return at once: aiokafka does not heartbeat in here."""
        self._consumer.pause(*assigned)
        given: defaultdict[int, list[TopicPartition]] = defaultdict(list)
        for tp in sorted(assigned):
            given[tp.partition].append(tp)
        self.tasks = {number: tuple(tps) for number, tps in given.items()}
        self.generation += 1
        self._confirmed_at = asyncio.get_running_loop().time()
        self.changed.set()

    def forget(self) -> None:
        """Nothing is ours until the group says so again."""
        self.tasks = {}

    async def look_again(self) -> None:
        """Ask for the partitions of the inputs now: the group learns of new ones within minutes otherwise."""
        with contextlib.suppress(KafkaError):
            await self._consumer._client.force_metadata_update()  # noqa: SLF001 - pinned to aiokafka 0.14

    async def watch(self) -> None:
        """Keep the group consumer alive and surface its errors; ends only by error or cancellation."""
        while True:
            try:
                await self._consumer.getmany(timeout_ms=0)
            except KafkaError as error:
                log.warning("group_failed", stage=self._stage, error=repr(error))
                if classify(error, committing=False) is Failure.FATAL:
                    raise StageFailedError(f"stage {self._stage}: {error!r}") from error
            if self.lost is not None:
                raise self.lost
            if self._coordinator._coordination_task.done():  # noqa: SLF001 - nobody would join or heartbeat any more
                raise StageFailedError(
                    f"stage {self._stage}: the group client ended by a fault of its own: restart"
                )
            await asyncio.sleep(POLL_S)

    def confirmed(self, task: int, since: float) -> bool:
        """Whether a heartbeat sent after `since` (loop time), or a rejoin, has shown the task to be ours."""
        return self._confirmed_at > since and task in self.tasks

    async def commit_for_lag(self, offsets: dict[TopicPartition, int]) -> bool:
        """Commit offsets whose truth is elsewhere (a sink's), for lag to be seen; whether it was done."""
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(LAG_S):
                await self._consumer.commit(offsets)
                return True
        return False

    async def stop(self, *, leave: bool = False) -> None:
        """Leave the group. A static member keeps its place for a while, unless told to `leave` (scale-in)."""
        self._closing = True
        if leave and self._coordinator is not None:
            self._coordinator._group_instance_id = None  # noqa: SLF001 - aiokafka lets only dynamic members leave
        await stop_within(self._consumer, STOP_S)
