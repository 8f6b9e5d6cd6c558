"""One worker's place in a stage's consumer group: which tasks are ours, and proof that they still are (rules 3, 4, 7).

The group consumer never fetches: it joins, heartbeats and tells. Records come through a consumer of their own, so a
rebalance moves no position and a task that stays never stops.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from streams.engine.api import StageFailedError
from streams.engine.assignor import assignor_for
from streams.engine.kafka import stop_within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiokafka.structs import TopicPartition

    from streams.engine.api import EngineConfig

log = structlog.get_logger("engine.membership")
POLL_S = 0.2


class Membership(ConsumerRebalanceListener):
    """The stage's group consumer. `tasks` is what the group last gave us; `changed` is set when it changes."""

    def __init__(
        self,
        config: EngineConfig,
        stage: str,
        topics: list[str],
        before_rejoin: Callable[[], Awaitable[None]],
    ) -> None:
        """`before_rejoin` runs (bounded by its own deadline) before the group may give our tasks to others."""
        self._config = config
        self._stage = stage
        self._topics = topics
        self._before_rejoin = before_rejoin
        self._closing = False
        self._confirmed_at = 0.0
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=config.bootstrap,
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
        self.tasks: frozenset[int] = frozenset()
        self.changed = asyncio.Event()
        self.lost: BaseException | None = None

    async def start(self) -> None:
        """Join the group; tasks arrive through `changed`."""
        await self._consumer.start()
        self._watch_coordinator(self._consumer._coordinator)  # noqa: SLF001 - pinned to aiokafka 0.14
        self._consumer.subscribe(self._topics, listener=self)

    def _watch_coordinator(self, coordinator: Any) -> None:
        """Learn of heartbeats that succeeded, and of a lost member id, which aiokafka tells nobody."""
        heartbeat, reset = coordinator._do_heartbeat, coordinator.reset_generation  # noqa: SLF001

        async def watched_heartbeat() -> bool:
            sent_at = asyncio.get_running_loop().time()
            alive = bool(await heartbeat())
            if alive and not coordinator._rejoin_needed_fut.done():  # noqa: SLF001
                self._confirmed_at = sent_at
            return alive

        def watched_reset() -> None:
            if self._config.static_id and not self._closing:
                text = f"stage {self._stage}: member id of static worker {self._config.worker!r} is lost"
                self.lost = StageFailedError(
                    text + "; another process holds it or the session ran out: restart"
                )
                self.changed.set()
            reset()

        coordinator._do_heartbeat = watched_heartbeat  # noqa: SLF001
        coordinator.reset_generation = watched_reset

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """The group rebalances: hand over what must not be cut off; everything else goes on."""
        if revoked and not self._closing:
            await self._before_rejoin()

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Note the new tasks and return at once: aiokafka does not heartbeat in here."""
        self._consumer.pause(*assigned)
        self.tasks = frozenset(tp.partition for tp in assigned)
        self.generation += 1
        self._confirmed_at = asyncio.get_running_loop().time()
        self.changed.set()

    async def watch(self) -> None:
        """Keep the group consumer alive and surface its errors; ends only by error or cancellation."""
        while True:
            if self.lost is not None:
                raise self.lost
            with contextlib.suppress(KafkaError):
                await self._consumer.getmany(timeout_ms=0)
            await asyncio.sleep(POLL_S)

    async def confirm(self, task: int, since: float) -> bool:
        """Wait until a heartbeat sent after `since` (loop time) or a rejoin succeeded; is the task still ours?"""
        while self._confirmed_at <= since:
            if self._closing:
                return False
            await asyncio.sleep(0.05)
        return task in self.tasks

    async def commit_for_lag(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit offsets whose truth is elsewhere (a sink's), so that lag can be seen. Failures do not matter."""
        with contextlib.suppress(KafkaError):
            await self._consumer.commit(offsets)

    async def stop(self) -> None:
        """Leave the group (a static member keeps its place for `session_timeout_ms`)."""
        self._closing = True
        await stop_within(self._consumer, 5.0)
