"""Copies the rows of a stage to the partitions of their keys: early, while its tasks run, and to the end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from hashlib import blake2b
from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition

from streams.engine.leaving import MOVED
from streams.engine.restore import BIRTH_KEY
from streams.scaling.hand import reading
from streams.scaling.moves import Moves
from streams.scaling.plan import ScaleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from streams.engine.api import Headers
    from streams.engine.outputs import Outputs
    from streams.scaling.hand import Hand, Log
    from streams.scaling.moves import Write
    from streams.scaling.plan import Plan

CHUNK = 20_000
"""Records of one transaction of the early copy."""


class Copies:
    """The changelog of one stage. `copy` may be called again and again; open only inside its block."""

    def __init__(self, hand: Hand, plan: Plan, home: Callable[[bytes, bytes], bytes]) -> None:
        """Nothing is read yet."""
        self._hand = hand
        self._plan = plan
        self._home = home
        self._topic = hand.config.changelog(plan.stage)
        self._stack = AsyncExitStack()
        self._logs: list[tuple[Log, Moves]] = []

    async def __aenter__(self) -> Self:
        """Open the old partitions' logs."""
        for number in range(self._plan.old):
            tp = TopicPartition(self._topic, number)
            log = await self._stack.enter_async_context(reading(self._hand.config, tp))
            self._logs.append((log, Moves(number, self._plan.old, self._plan.new, self._home)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self._stack.aclose()

    @property
    def moved(self) -> int:
        """Rows that are to live elsewhere."""
        return sum(len(moves.away) for _, moves in self._logs)

    async def rehearse(self) -> None:
        """Read every row and write none: what cannot be moved is found before anything is changed."""
        for log, moves in self._logs:
            born = False
            async for records in log.chunks():
                for key, value in records:
                    born |= key == BIRTH_KEY
                    moves.take(key, value)
                await asyncio.sleep(0)
            if not born:
                raise ScaleError(
                    f"{self._plan.stage} has never run; make its topics anew with more partitions"
                )

    async def begin(self) -> None:
        """Found the new partitions; remember what an interrupted change has left there."""
        for number, (_, moves) in enumerate(self._logs):
            birth = await self._birth(number)
            for target in moves.targets:
                tp = TopicPartition(self._topic, target)
                async with reading(self._hand.config, tp) as log:
                    records = await log.rest()
                for key, value in records:
                    moves.found(target, key, value)
                if not records:
                    made = blake2b(birth + bytes(str(target), "ascii"), digest_size=16).digest()
                    async with self._hand.transaction() as outputs:
                        outputs.append(self._topic, target, BIRTH_KEY, made, 0, ())

    async def _birth(self, number: int) -> bytes:
        async with reading(self._hand.config, TopicPartition(self._topic, number)) as log:
            async for records in log.chunks():
                for key, value in records:
                    if key == BIRTH_KEY:
                        return value or b""
        raise ScaleError(f"{self._topic}/{number} does not begin with its birth")

    async def copy(self) -> None:
        """Write what came since the last call to new partitions; surplus of earlier changes is deleted."""
        for log, moves in self._logs:
            async for records in log.chunks():
                taken = (moves.take(key, value) for key, value in records)
                await self._write(write for write in taken if write is not None)
            await self._write(moves.surplus())

    async def unsettled(self) -> int:
        """How many records of old partitions lie behind an open transaction; at 0 all can be read."""
        tps = [TopicPartition(self._topic, number) for number in range(self._plan.old)]
        stable = await self._hand.committed.end_offsets(tps)
        return sum(int(end - stable[tp]) for tp, end in (await self._hand.ends(tps)).items())

    async def _write(self, writes: Iterable[Write]) -> None:
        waiting = list(writes)
        for first in range(0, len(waiting), CHUNK):
            async with self._hand.transaction() as outputs:
                self._append(outputs, waiting[first : first + CHUNK])

    def leave(self, outputs: Outputs) -> None:
        """Delete from old partitions what lives in new ones, in the transaction that ends the change."""
        for _, moves in self._logs:
            self._append(outputs, moves.leaving(), ((MOVED, str(self._plan.new).encode()),))

    def _append(self, outputs: Outputs, writes: Iterable[Write], headers: Headers = ()) -> None:
        for partition, key, value in writes:
            outputs.append(self._topic, partition, key, value, 0, headers)
