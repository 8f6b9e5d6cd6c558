"""One task: one partition number of a stage, from open to close (design rules 5 to 8).

open → turn, turn, turn … → close
         └ any failure: drop everything of the turn, close the producer, open again
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition

from streams.engine import inner
from streams.engine.ahead import owned, reached
from streams.engine.api import Event, NotYet, StageFailedError
from streams.engine.compute import Computed, Desk, compute
from streams.engine.dead_letters import Grave, bury
from streams.engine.effects import Effects
from streams.engine.expiry import EVERY_MS, Expiry
from streams.engine.gathering import Gathered, gather, wanted
from streams.engine.offsets import refuse_lost
from streams.engine.placed import PlacedTask
from streams.engine.rows import Rows
from streams.engine.tables import NoRows, Overlay
from streams.engine.timers import Timers
from streams.engine.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.engine.outputs import Outputs
    from streams.engine.shared import Shared
    from streams.engine.store import Store
    from streams.engine.tables import Committed
    from streams.engine.turns import Turn


class Task(PlacedTask):
    """A task whose results are Kafka transactions."""

    def __init__(self, shared: Shared, number: int, tps: tuple[TopicPartition, ...]) -> None:
        super().__init__(shared, number, tps)
        self._transactions: Transactions | None = None
        self._rows: Rows | None = None
        self._effects: Effects | None = None
        self._timers: Timers | None = None
        self._expiry = Expiry()
        self._spread = 0

    # ---- open ----

    async def _open(self) -> dict[TopicPartition, int]:
        """Fence, wait for a settled changelog, restore, read committed offsets; returns where to read on."""
        shared, stage = self.shared, self.stage
        self._transactions = Transactions(self.config, stage, self.number)
        self.waiting("fence")
        await self._transactions.start()
        self._spread = await shared.partitions.cleared(stage, self.number)
        rows = None
        if stage.stateful:
            rows = self._rows = await Rows.open(shared, self.number, self.waiting, self._transactions)
        self.waiting("offsets")
        positions, missing = await shared.positions(self.tps, self._transactions)
        if rows is not None and rows.founded:
            refuse_lost(stage, missing)
        if missing or (rows is not None and not rows.founded):
            await self._found(rows, positions)
        if rows is not None:
            await self._wake_inner_tables(rows.store)
        return positions

    async def _found(self, rows: Rows | None, positions: Mapping[TopicPartition, int]) -> None:
        """First start: the changelog's first record and the offsets to begin at, in one transaction."""
        outputs = self._new_outputs()
        if rows is not None and not rows.founded:
            rows.found(outputs)
        await self._commit_rows(Overlay(self._committed(), self.shared.now_ms()), positions, outputs)

    async def _wake_inner_tables(self, store: Store) -> None:
        route = self.stage.effect
        self._expiry = Expiry()
        self._timers = None if self.stage.timer is None else Timers(store)
        if route is None:
            return
        if self._effects is None:
            self._effects = Effects(route, self.shared.now_ms, self.wake.set, self.shared.calls)
        # Notices may forbid what a predecessor did not begin: it lapses, and begins when they have been read.
        looks_again = any(source.notices for source in self.stage.inputs)
        since = float("-inf") if looks_again else time.monotonic()
        found = inner.open_effects(store)
        self._effects.find(found)
        overlay = Overlay(store, self.shared.now_ms())
        for effect_id, begun, headers, payload in () if looks_again else found:
            if not begun:
                inner.note_effect(effect_id, inner.MAY_HAVE_BEGUN, headers, payload, overlay)
        if overlay.writes:
            await self._commit_rows(overlay, {})
        self._effects.open(found, since)

    # ---- turn ----

    def _pending(self) -> bool:
        now = self.shared.now_ms()
        if (settled := wanted(self._effects, self.lanes)) is not None:
            return settled
        timer_due = self._timers is not None and self._timers.due(now)
        return bool(len(self.lanes)) or timer_due or self._sweep_due(now)

    def _sweep_due(self, now: int) -> bool:
        return self._rows is not None and self._expiry.due(now)

    def _idle_s(self) -> float:
        next_at = None if self._timers is None or self.lanes.behind() else self._timers.next_at
        timer = EVERY_MS if next_at is None else next_at - self.shared.now_ms()
        return min(timer, EVERY_MS) / 1000

    def _enough(self) -> bool | None:
        return None if self._effects is None else self._effects.enough(len(self.lanes))

    def _markers_s(self) -> float:
        return self._need_transactions().rest_s(urgent=self.lanes.urgent())

    async def _turn(self) -> bool:
        """One batch: gather, compute, commit, keep."""
        self.waiting("compute")
        async with self.shared.turns.turn(self.lanes.urgent, self._need_transactions().took_s) as turn:
            now = self.shared.now_ms()
            gathered = gather(self.refusals.at_most, now, self._effects, self._timers, self.lanes)
            events, sweep = self.refusals.marked(gathered.events), self._sweep_due(now)
            if not events and not sweep:
                self._mark_timers(gathered.bound, [])
                return False
            computed = await self._computed(turn, events, now)
        taken = events[: computed.taken]
        self.refusals.attempt(taken)
        swept, entries = self._sweep(computed.overlay, now) if sweep else (0, [])
        if taken or computed.overlay.writes:
            defects = self._bury(computed)
            positions = reached(taken)
            if self._effects is not None:
                self._effects.intend(computed.effects)
            await self._commit_rows(computed.overlay, owned(positions, self.number), computed.outputs)
            self.lanes.advance(positions)
            self.shared.count(defects)
            self._after_commit(computed, gathered, taken)
            self.shared.meters.committed(self.stage.name, len(taken), computed.outputs.records, swept)
        if entries and self._rows is not None:
            self._expiry.forget(self._rows.store, entries)
        return bool(taken)

    def _sweep(self, overlay: Overlay, now: int) -> tuple[int, list[bytes]]:
        return (0, []) if self._rows is None else self._expiry.sweep(self._rows.store, overlay, now)

    async def _computed(self, turn: Turn, events: list[Event], now: int) -> Computed:
        count = self.shared.partitions.count
        desk = Desk(self.stage, self.number, self._committed(), self._new_outputs, count, turn, self._spread)
        try:
            return await compute(desk, events, now)
        except (NotYet, StageFailedError):
            raise
        except Exception as error:
            untied = [f"{type(error).__name__}: {error}"]
            self.shared.allow(untied)
            self.shared.count(untied)
            raise

    def _bury(self, computed: Computed) -> list[str]:
        """Write the dead letters; returns the defects of our own code among them, all within the ceiling."""
        defects = [reason for _, reason, stack in computed.dead if stack]
        if defects:
            self.shared.allow(defects)
        if computed.dead:
            name, now, count = self.stage.name, computed.overlay.now, self.shared.partitions.count
            grave = Grave(name, self.number, self.config.dead_letters(name), now, count, self.refusals)
            bury(computed.dead, computed.outputs, grave)
        for _, _, stack in computed.dead:
            self.shared.meters.dead(self.stage.name, defect=bool(stack))
        return defects

    # ---- commit ----

    async def _commit_rows(
        self, overlay: Overlay, positions: Mapping[TopicPartition, int], outputs: Outputs | None = None
    ) -> None:
        """One transaction; the store follows it."""
        outputs = outputs or self._new_outputs()
        if self._rows is not None:
            self._rows.append(overlay, outputs)
        self.waiting("kafka")
        reached = await self._need_transactions().commit(outputs, positions)
        if self._rows is not None:
            self._rows.keep(overlay, reached)

    def _after_commit(self, computed: Computed, gathered: Gathered, taken: list[Event]) -> None:
        self.refusals.passed()
        computed.tell()
        if self._effects is not None:
            self._effects.handled(taken)
            self._effects.begin(computed.effects, computed.ended_at, self.lanes.noticed(taken))
        self._mark_timers(gathered.bound if len(taken) >= gathered.until else None, computed.timers)

    def _mark_timers(self, bound: int | None, new: list[int]) -> None:
        if self._timers is not None:
            self._timers.mark(bound, new)

    def _committed(self) -> Committed:
        return NoRows() if self._rows is None else self._rows.store

    def _new_outputs(self) -> Outputs:
        return self._need_transactions().outputs()

    def _need_transactions(self) -> Transactions:
        assert self._transactions is not None, "the task is open"
        return self._transactions

    # ---- close ----

    async def _close(self, *, reopens: bool) -> None:
        """Calls go on while the task reopens: what they say is worth more than `hidden`."""
        if self._effects is not None and not reopens:
            await self._effects.close(0)
            self._effects = None
        transactions, rows = self._transactions, self._rows
        self._transactions = self._rows = self._timers = None
        if rows is not None:
            await rows.close()
        if transactions is not None:
            await transactions.stop()

    async def _hand_over(self) -> None:
        """Wait for running calls, handle their results, note those never begun; the store is of now."""
        if self._effects is not None:
            await self._hand_over_calls(self._effects)
        if self._rows is not None:
            await self._rows.freshen()

    async def _hand_over_calls(self, effects: Effects) -> None:
        await effects.close(self.config.close_deadline_s / 2)
        self._timers = None
        vain = 0
        while effects.results and vain <= 1:  # the first results may be what asks for a topic's count
            before = len(effects.results)
            self.lanes.clear()
            await self._one_turn()
            vain = vain + 1 if len(effects.results) >= before else 0
        overlay = Overlay(self._committed(), self.shared.now_ms())
        inner.note_not_begun(effects.never_begun(), overlay)
        if overlay.writes:
            await self._commit_rows(overlay, {})
