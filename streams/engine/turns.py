"""Who comes next, in one process: slices of the event loop (design, promise 3; rule 13).

A way through a transaction takes some forty turns of the loop. With a slice of each task in every turn a hop
took 300 ms; so one batch computes at a time, and slices are short while something is urgent.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import TracebackType
    from typing import Self

    Urgent = Callable[[], bool]
    Waiting = tuple[Urgent, asyncio.Future[None]]

T = TypeVar("T")
_COMPUTING: ContextVar[tuple[Turn, asyncio.Task[object] | None] | None] = ContextVar(
    "computing", default=None
)
SHARE = 10
"""One place in ten is kept for what is less urgent and waits, so that nothing starves."""
SLICE_S, SHORT_SLICE_S = 0.005, 0.001
"""Longest time for which a batch holds the event loop, give or take one event; while something is urgent."""
HURRY_S = 0.1
"""How long slices stay short after the last urgent batch: its records are on their way to the next stage."""
REST_TURNS = 4
"""While something is urgent, turns of the loop after a slice in which nothing else that is not begins."""


class Places:
    """At most `count` at once. Those who wait get a place as they came, the urgent before the others."""

    def __init__(self, count: int) -> None:
        """All are free."""
        self._free = count
        self._given = 0
        self._waiting: list[Waiting] = []

    async def take(self, urgent: Urgent) -> None:
        """Wait for a place. `urgent` is asked whenever one is given: who waits may become urgent."""
        if self._free > 0:
            self._free -= 1
        else:
            await self.given(self.line_up(urgent))

    def line_up(self, urgent: Urgent) -> Waiting:
        """Come last of those who wait."""
        waiting = (urgent, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        return waiting

    async def given(self, waiting: Waiting) -> None:
        """Wait for the place lined up for; the loop turns even if it is given already."""
        try:
            await asyncio.sleep(0)
            await waiting[1]
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:
                self.give_back()
            raise

    def give_back(self) -> None:
        """Leave the place to who comes next."""
        waiting = [each for each in self._waiting if not each[1].cancelled()]
        if not waiting:
            self._free += 1
            return
        self._given += 1
        wanted = self._given % SHARE != 0
        chosen = next((each for each in waiting if each[0]() is wanted), waiting[0])
        self._waiting.remove(chosen)
        chosen[1].set_result(None)

    def wanted(self) -> bool:
        """Whether something urgent waits."""
        return any(urgent() for urgent, _ in self._waiting)


class Turns:
    """The event loop of one process, given to one batch or new call at a time, slice by slice."""

    def __init__(self) -> None:
        """Nothing computes yet. `members`: tasks that take part."""
        self.members = 0
        self._places = Places(1)
        self._hurry_until = 0.0

    def turn(self, urgent: Urgent, commit_s: float = 0.0) -> Turn:
        """What one batch takes part with. `urgent`: whether something urgent is in it or waits behind it.

        `commit_s`: what the task's last transaction took.
        """
        return Turn(self, urgent, commit_s)

    @contextmanager
    def member(self) -> Iterator[None]:
        """A task takes part for the length of the block."""
        self.members += 1
        try:
            yield
        finally:
            self.members -= 1

    async def take(self, urgent: Urgent) -> float:
        """Wait for a slice; when it ends (s of `perf_counter`)."""
        await self._places.take(urgent)
        return self._slice_end(urgent)

    async def pass_on(self, urgent: Urgent) -> float:
        """Let the event loop turn and others take their slices; when the next slice ends."""
        waiting = self._places.line_up(urgent)
        self.give_back(urgent=urgent())
        await self._places.given(waiting)
        return self._slice_end(urgent)

    def _slice_end(self, urgent: Urgent) -> float:
        now = time.perf_counter()
        if urgent():
            self._hurry_until = now + HURRY_S
        return now + (SHORT_SLICE_S if now < self._hurry_until else SLICE_S)

    def give_back(self, *, urgent: bool = False) -> None:
        """The slice is over: the loop turns before the next one."""
        rest = 0 if urgent or time.perf_counter() > self._hurry_until else REST_TURNS
        self._rest(rest, asyncio.get_running_loop())

    def _rest(self, turns: int, loop: asyncio.AbstractEventLoop) -> None:
        if turns and not self._places.wanted():
            loop.call_soon(self._rest, turns - 1, loop)
        else:
            self._places.give_back()

    async def begin(self, urgent: Urgent) -> None:
        """Wait for a turn of the loop in which no batch computes and no other call begins."""
        await self.take(urgent)
        asyncio.get_running_loop().call_soon(self.give_back)


def computing() -> Turn | None:
    """Whose turn it is that asks. A task that an agent starts has none, though it inherits the variable."""
    turn, task = _COMPUTING.get() or (None, None)
    return turn if task is asyncio.current_task() else None


class Turn:
    """One batch's part of the event loop: held within `async with`, but for `pass_on` and `lend`."""

    __slots__ = ("_held", "_turns", "asked", "commit_s", "slice_ends", "urgent")

    def __init__(self, turns: Turns, urgent: Urgent, commit_s: float = 0.0) -> None:
        """Not begun. `asked`: whom the batch has had an answer from that holds for all its records."""
        self._turns = turns
        self.asked: set[object] = set()
        self.urgent = urgent
        self.commit_s = commit_s
        self.slice_ends = 0.0
        self._held = False

    @property
    def members(self) -> int:
        """How many tasks share the event loop, this one included."""
        return max(1, self._turns.members)

    async def __aenter__(self) -> Self:
        """Wait for the loop."""
        self.slice_ends = await self._turns.take(self.urgent)
        self._held = True
        _COMPUTING.set((self, asyncio.current_task()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the loop to the next."""
        _COMPUTING.set(None)
        if self._held:
            self._leave()

    async def pass_on(self) -> float:
        """Let the event loop turn, and those go first who wait longer or are urgent; seconds it took."""
        began = time.perf_counter()
        self._held = False
        self.slice_ends = await self._turns.pass_on(self.urgent)
        self._held = True
        return time.perf_counter() - began

    async def lend(self, wait: Awaitable[T]) -> T:
        """What is awaited; the loop is the others' meanwhile, and stays theirs when this is cancelled."""
        if not self._held:
            return await wait
        self._leave()
        try:
            result = await wait
        except Exception:
            await self.__aenter__()
            raise
        await self.__aenter__()
        return result

    def _leave(self) -> None:
        self._held = False
        self._turns.give_back(urgent=self.urgent())
