"""One task: one partition number of a stage, from open to close (design rules 5 to 8).

open → turn, turn, turn … → close
         └ any failure: drop everything of the turn, close the producer, open again
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import structlog
from aiokafka.structs import TopicPartition

from streams.engine import dead_letters, inner
from streams.engine.api import Event, NotYet, StageFailedError
from streams.engine.compute import Computed, Desk, compute
from streams.engine.effects import Effects
from streams.engine.failures import classify
from streams.engine.kafka import stop_within, transactional_producer
from streams.engine.outputs import Outputs
from streams.engine.placed import PlacedTask, TurnFailedError
from streams.engine.restore import BIRTH_KEY, store_folder
from streams.engine.store import EXPIRY, NEVER, Origin, Store, stamp
from streams.engine.tables import Overlay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka import AIOKafkaProducer

    from streams.engine.placed import Shared

log = structlog.get_logger("engine.task")
SWEEP_EVERY_MS = 1_000
SWEEP_LIMIT = 2_000
TIMERS_PER_TURN = 1_000
PRODUCER_STOP_S = 3.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a turn may handle: `inner` results and timers, then records. `bound`: next bound of timers, ms."""

    events: list[Event]
    inner: int
    bound: int | None


class Task(PlacedTask):
    """A task whose results are Kafka transactions."""

    def __init__(self, shared: Shared, number: int, tps: tuple[TopicPartition, ...]) -> None:
        """Nothing is opened yet."""
        super().__init__(shared, number, tps)
        self._changelog = TopicPartition(self.config.changelog(self.stage.name), number)
        self._producer: AIOKafkaProducer | None = None
        self._store: Store | None = None
        self._birth = b""
        self._offset = 0
        self._effects: Effects | None = None
        self._timer_bound = 0
        self._next_timer: int | None = None
        self._expiry_bound = 0
        self._swept_at = 0

    # ---- open ----

    async def _open(self) -> dict[TopicPartition, int]:
        """Fence, wait for a settled changelog, restore, read committed offsets; returns where to read on."""
        shared, stage = self.shared, self.stage
        self._producer = transactional_producer(
            self.config, self.config.transactional_id(stage.name, self.number)
        )
        self.waiting("fence")
        await self._producer.start()
        birth = None
        if stage.stateful:
            birth = await self._open_store()
        self.waiting("offsets")
        positions, missing = await shared.offsets.positions(self.config.group(stage.name), self.tps)
        if missing and birth is not None:
            raise StageFailedError(shared.offsets.explain_missing(stage.name, missing))
        if missing or (stage.stateful and birth is None):
            await self._found(positions, founding=stage.stateful and birth is None)
        if stage.stateful:
            await self._wake_inner_tables()
        return positions

    async def _open_store(self) -> bytes | None:
        shared = self.shared
        path = store_folder(self.config, self.stage.name) / str(self.number)
        self.waiting("restore")
        now = shared.now_ms()
        bounds = await shared.changelogs.settled_bounds(self._changelog, self.waiting)
        self._store, count = await shared.changelogs.open_store(
            self._changelog, path, shared.memory, bounds, now
        )
        self._birth, self._offset = bounds.birth or b"", bounds.end
        shared.meters.restored(self.stage.name, count)
        return bounds.birth

    async def _found(self, positions: Mapping[TopicPartition, int], *, founding: bool) -> None:
        """First start: write the changelog's birth record and the offsets to begin at, in one transaction."""
        producer = self._need_producer()
        outputs = Outputs(producer, {})
        birth = self.shared.new_birth() if founding else self._birth
        if founding:
            now = self.shared.now_ms()
            outputs.append(self._changelog.topic, self.number, BIRTH_KEY, birth, now, ())
        ends = await self._transact(outputs, positions)
        if founding and self._store is not None:
            self._birth, self._offset = birth, ends[self._changelog.topic, self.number]
            self._store.write((), Origin(birth, self._offset, self.shared.now_ms()))

    async def _wake_inner_tables(self) -> None:
        store, route = self._need_store(), self.stage.effect
        self._timer_bound = self._expiry_bound = 0
        self._find_next_timer()
        if route is None:
            return
        if self._effects is None:
            self._effects = Effects(route, self.shared.now_ms, self.wake.set)
        since = time.monotonic()
        found = list(inner.open_effects(store))
        fresh = [(effect_id, headers, payload) for effect_id, begun, headers, payload in found if not begun]
        if fresh:
            overlay = Overlay(store.get_row, self.shared.now_ms())
            for effect_id, headers, payload in fresh:
                overlay.put(inner.EFFECT + effect_id, inner.MAY_HAVE_BEGUN + inner.pack(headers, payload))
            await self._commit_rows(overlay, {})
        self._effects.open(found, since)

    def _find_next_timer(self) -> None:
        if self.stage.timer is not None:
            self._next_timer = inner.next_timer(self._need_store(), self._timer_bound)

    # ---- turn ----

    def _pending(self) -> bool:
        effects = self._effects
        if effects is not None and effects.results:
            return True
        if effects is not None and effects.saturated:
            return False
        return bool(len(self.lanes)) or self._timer_due() or self._sweep_due()

    def _timer_due(self) -> bool:
        return self._next_timer is not None and self._next_timer <= self.shared.now_ms()

    def _sweep_due(self) -> bool:
        return self._store is not None and self.shared.now_ms() - self._swept_at >= SWEEP_EVERY_MS

    def _idle_s(self) -> float:
        now = self.shared.now_ms()
        timer = SWEEP_EVERY_MS if self._next_timer is None else self._next_timer - now
        return min(timer, SWEEP_EVERY_MS) / 1000

    async def _turn(self) -> bool:
        """One batch: gather, compute, commit, keep."""
        now = self.shared.now_ms()
        gathered = self._gather(now)
        events, sweep = gathered.events, self._sweep_due()
        if not events and not sweep:
            self._mark_timers(gathered.bound, [])
            return False
        self.waiting("compute")
        desk = Desk(self.stage, self.number, self._read_row, self._new_outputs, self.shared.partitions.count)
        computed = await self._computed(desk, events, now)
        taken = events[: computed.taken]
        self.refusals.attempt(taken)
        swept, forget = self._sweep(computed.overlay, now) if sweep else (0, [])
        if taken or computed.overlay.writes:
            defects = self._bury(computed)
            positions = self._positions(taken)
            if self._effects is not None:
                self._effects.intend(computed.effects)
            await self._commit_rows(computed.overlay, positions, computed.outputs)
            self.lanes.advance(positions)
            self.shared.count(defects)
            self._after_commit(computed, gathered, taken)
            self.shared.meters.committed(self.stage.name, len(taken), computed.outputs.records, swept)
        self._forget(forget)
        return bool(taken)

    def _gather(self, now: int) -> Gathered:
        """Results of effects, then due timers, then records by lane; nothing is removed before the commit."""
        limit, effects, bound = self.refusals.at_most, self._effects, None
        events: list[Event] = []
        if effects is not None:
            events.extend(islice(effects.results, limit))
            limit = min(limit, len(events) + max(effects.room, 0))
        if len(events) < limit and self._timer_due():
            room = min(limit - len(events), TIMERS_PER_TURN)
            due, bound = inner.due_timers(self._need_store(), self._timer_bound, now, room)
            events.extend(due)
        inner_events = len(events)
        if inner_events < limit:
            events.extend(self.lanes.peek(limit - inner_events))
        return Gathered(self.refusals.marked(events), inner_events, bound)

    def _positions(self, taken: list[Event]) -> dict[TopicPartition, int]:
        last: dict[str, int] = {}
        for event in taken:
            if event.topic:
                last[event.topic] = event.offset + 1
        return {TopicPartition(topic, self.number): offset for topic, offset in last.items()}

    async def _computed(self, desk: Desk, events: list[Event], now: int) -> Computed:
        try:
            return await compute(desk, events, now)
        except (NotYet, StageFailedError):
            raise
        except Exception as error:
            untied = [f"{type(error).__name__}: {error}"]
            self.shared.allow(untied)
            self.shared.count(untied)
            raise

    def _sweep(self, overlay: Overlay, now: int) -> tuple[int, list[bytes]]:
        """Tombstones for rows that expired, oldest first, from the remembered bound on."""
        self._swept_at = now
        forget: list[bytes] = []
        swept = 0
        if self._store is None:
            return 0, forget
        first = stamp(self._expiry_bound)
        for entry, _ in self._store.scan(EXPIRY, first, stamp(now)):
            key = entry[8:]
            raw = overlay.writes[key] if key in overlay.writes else self._store.get_row(key)
            if raw is not None and raw[:8] != NEVER and raw[:8] <= stamp(now):
                overlay.delete(key)
                swept += 1
            forget.append(entry)
            if len(forget) >= SWEEP_LIMIT:
                self._swept_at = 0
                break
        return swept, forget

    def _forget(self, entries: list[bytes]) -> None:
        if entries and self._store is not None:
            self._store.forget_expiries(entries)
            self._expiry_bound = int.from_bytes(entries[-1][:8], "big")

    def _bury(self, computed: Computed) -> list[str]:
        """Write the dead letters; returns the defects of our own code among them, all within the ceiling."""
        defects = [reason for _, reason, stack in computed.dead if stack]
        if defects:
            self.shared.allow(defects)
        for buried in computed.dead:
            event, reason, stack = buried
            topic = (
                dead_letters.topic_of(event.topic)
                if event.topic
                else self.config.dead_letters(self.stage.name)
            )
            where = (topic, max(event.partition, self.number) % self.shared.partitions.count(topic))
            stub = self.refusals.of_letter(event)
            letter = dead_letters.letter(buried, self.stage.name, computed.overlay.now, stub)
            dead_letters.append(computed.outputs, letter, where)
            self.shared.meters.dead(self.stage.name, defect=bool(stack))
            log.warning("dead_letter", stage=self.stage.name, origin=event.origin, reason=reason)
        return defects

    # ---- commit ----

    async def _commit_rows(
        self, overlay: Overlay, positions: Mapping[TopicPartition, int], outputs: Outputs | None = None
    ) -> None:
        outputs = outputs or self._new_outputs()
        topic, number = self._changelog
        for key, value in overlay.writes.items():
            outputs.append(topic, number, key, value, overlay.now, ())
        ends = await self._transact(outputs, positions)
        if self._store is not None and overlay.writes:
            self._offset = ends[topic, number]
            self._store.write(overlay.writes, Origin(self._birth, self._offset, overlay.now))

    async def _transact(
        self, outputs: Outputs, positions: Mapping[TopicPartition, int]
    ) -> dict[tuple[str, int], int]:
        """The transaction. Commit is called only after every answer was good, and is never cut short."""
        producer, committing = self._need_producer(), False
        self.waiting("kafka")
        try:
            await producer.begin_transaction()
            ends = await outputs.flush()
            if positions:
                group = self.config.group(self.stage.name)
                await producer.send_offsets_to_transaction(dict(positions), group)
            committing = True
            await producer.commit_transaction()
        except Exception as error:
            raise TurnFailedError(classify(error, committing=committing), error) from error
        return ends

    def _after_commit(self, computed: Computed, gathered: Gathered, taken: list[Event]) -> None:
        self.refusals.passed()
        if self._effects is not None:
            self._effects.handled(taken)
            self._effects.begin(computed.effects, computed.ended_at)
        self._mark_timers(gathered.bound if len(taken) >= gathered.inner else None, computed.timers)

    def _mark_timers(self, bound: int | None, new: list[int]) -> None:
        """Raise the lower bound past timers that were dealt with; lower it to earlier ones that are new."""
        if bound is not None:
            self._timer_bound = bound
        if new:
            self._timer_bound = min(self._timer_bound, *new)
        if bound is not None or new:
            self._find_next_timer()

    def _read_row(self, key: bytes) -> bytes | None:
        return None if self._store is None else self._store.get_row(key)

    def _new_outputs(self) -> Outputs:
        return Outputs(self._need_producer(), self.stage.record_limits)

    def _need_producer(self) -> AIOKafkaProducer:
        assert self._producer is not None, "the task is open"
        return self._producer

    def _need_store(self) -> Store:
        assert self._store is not None, "the stage keeps state"
        return self._store

    # ---- close ----

    async def _close(self, *, reopens: bool) -> None:
        """Calls go on while the task reopens: what they say is worth more than `hidden`."""
        if self._effects is not None and not reopens:
            await self._effects.close(0)
            self._effects = None
        producer, store, self._producer, self._store = self._producer, self._store, None, None
        if store is not None:
            await asyncio.to_thread(store.close)
        if producer is not None:
            await stop_within(producer, PRODUCER_STOP_S)

    async def _hand_over(self) -> None:
        """Wait for running calls, handle their results, note those never begun; say that the store is of now."""
        if self._effects is not None:
            await self._hand_over_calls(self._effects)
        if self._store is not None:
            self._store.write((), Origin(self._birth, self._offset, self.shared.now_ms()))

    async def _hand_over_calls(self, effects: Effects) -> None:
        await effects.close(self.config.close_deadline_s / 2)
        while effects.results:
            before = len(effects.results)
            self.lanes.clear()
            self._next_timer = None
            await self._turn()
            if len(effects.results) >= before:
                break
        overlay = Overlay(self._read_row, self.shared.now_ms())
        route = self.stage.effect
        for waiting in effects.never_begun():
            if route is not None:
                packed = inner.pack(waiting.headers, route.encode(waiting.call))
                overlay.put(inner.EFFECT + waiting.effect_id, inner.NOT_BEGUN + packed)
        if overlay.writes:
            await self._commit_rows(overlay, {})
