"""Who comes next, in one process: slices of the event loop (design, promise 3; rule 13).

A way through a transaction takes some forty turns of the loop. With a slice of each task in every turn a hop
took 300 ms; so one batch computes at a time, and slices are short while something is urgent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from streams.engine.places import Places

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from types import TracebackType
    from typing import Self

    from streams.engine.places import Urgent

T = TypeVar("T")
_COMPUTING: ContextVar[tuple[Turn, asyncio.Task[object] | None] | None] = ContextVar(
    "computing", default=None
)
SLICE_S, SHORT_SLICE_S = 0.005, 0.001
"""Longest time for which a batch holds the event loop, give or take one event; while something is urgent.
There slices are as long as what the loop does between two, so that batches have half of a busy loop: 1 ms for
them and 2 ms of replies in between left a third of the loop to all batches of a process."""
HURRY_S = 0.1
"""How long slices stay short after the last urgent batch: its records are on their way to the next stage."""
LEARN = 0.1
"""How much the newest turn of the loop counts for how long turns take."""
CALLS_A_TURN = 4
"""Calls that begin in the same turn of the loop: what each does before its first wait comes in one piece, and
with one call a turn the loop carried no more than some hundred calls a second on a slow machine."""
REST_TURNS = 4
"""While something is urgent, turns of the loop after a slice in which nothing else that is not begins."""


class Turns:
    """The event loop of one process, given to one batch or new call at a time, slice by slice."""

    def __init__(self) -> None:
        """Nothing computes yet. `members`: tasks that take part."""
        self.members = 0
        self._places = Places(1)
        self._hurry_until = 0.0
        self._urgent_calls: deque[asyncio.Future[None]] = deque()
        self._other_calls: deque[asyncio.Future[None]] = deque()
        self._turn_s = self._gave_at = 0.0

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
        if self._gave_at:
            self._turn_s += LEARN * (min(now - self._gave_at, SLICE_S) - self._turn_s)
            self._gave_at = 0.0
        return now + (max(SHORT_SLICE_S, self._turn_s) if now < self._hurry_until else SLICE_S)

    def give_back(self, *, urgent: bool = False) -> None:
        """The slice is over: the loop turns before the next one."""
        now = time.perf_counter()
        rest = 0 if urgent or now > self._hurry_until else REST_TURNS
        self._gave_at = 0.0 if rest else now
        self._rest(rest, asyncio.get_running_loop())

    def _rest(self, turns: int, loop: asyncio.AbstractEventLoop) -> None:
        if turns and not self._places.wanted():
            loop.call_soon(self._rest, turns - 1, loop)
        else:
            self._places.give_back()

    async def begin(self, *, urgent: bool) -> None:
        """Wait for a turn of the loop in which no batch computes and few other calls begin."""
        loop = asyncio.get_running_loop()
        nobody = not (self._urgent_calls or self._other_calls)
        if nobody and self._places.take_free():
            loop.call_soon(self.give_back)
            return
        beginning = loop.create_future()
        (self._urgent_calls if urgent else self._other_calls).append(beginning)
        if nobody:
            self._line_up_calls()
        await beginning

    def _line_up_calls(self) -> None:
        """Ask for one place for all calls that wait."""
        place = self._places.asked(lambda: bool(self._urgent_calls))
        place.add_done_callback(self._let_begin)

    def _let_begin(self, _place: asyncio.Future[None]) -> None:
        """Let the first calls begin: urgent ones, and one of the others if any waits."""
        urgent, others = self._urgent_calls, self._other_calls
        begun = _begin_first(urgent, CALLS_A_TURN - bool(_without_ended(others)))
        _begin_first(others, CALLS_A_TURN - begun)
        loop = asyncio.get_running_loop()
        loop.call_soon(self.give_back)
        if _without_ended(urgent) or _without_ended(others):
            loop.call_soon(self._line_up_calls)


def _without_ended(calls: deque[asyncio.Future[None]]) -> deque[asyncio.Future[None]]:
    """Those that wait; at its head nobody who gave up."""
    while calls and calls[0].done():
        calls.popleft()
    return calls


def _begin_first(calls: deque[asyncio.Future[None]], most: int) -> int:
    """Let so many of them begin, or as many as wait; how many began."""
    begun = 0
    while begun < most and _without_ended(calls):
        calls.popleft().set_result(None)
        begun += 1
    return begun


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
