"""One seen task without a broker: calls and timers as the engine keeps them, answered as a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.forward import Queues
from agents.mark_seen import Memory, mark_seen
from schemas.records import (
    SeenCall,
    SeenCallEnded,
    SeenDestination,
    SeenDue,
    SeenFailed,
    SeenParcel,
    SeenPosted,
    SeenTag,
)
from schemas.words import Verdict
from tables.consumers import Consumer, key_of
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import T0

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TAG = "promotions"


def api(name: str, **more: Any) -> SeenDestination:
    return SeenDestination(kind="api", name=name, url=f"http://{name}/", **more)


def tag_of(*targets: SeenDestination, **more: Any) -> SeenTag:
    return SeenTag(tag=TAG, destinations=[], targets=list(targets), **more)


@dataclass(slots=True)
class SeenTask:
    """Plays the engine for one task. `log`: every outcome with the time it came at."""

    reference: MemoryReference
    now: int = T0
    calls: list[SeenCall] = field(default_factory=list)
    timers: dict[Any, SeenDue] = field(default_factory=dict)
    log: list[tuple[int, Any]] = field(default_factory=list)
    done: list[SeenParcel] = field(default_factory=list)
    buried: list[SeenParcel] = field(default_factory=list)
    consumers: MemoryTable[bytes, Consumer] = field(default_factory=MemoryTable)
    parcels: MemoryTable[bytes, SeenParcel] = field(default_factory=MemoryTable)
    seen: MemoryTable[bytes, Any] = field(default_factory=MemoryTable)
    posts: int = 0

    def post(self, **more: Any) -> None:
        """A new user saw it."""
        self.posts += 1
        user = f"u-{self.posts}"
        given = {"kind": "client", "user": {"user_id": user}, "user_key": f"user:{user}", **more}
        self.take(SeenPosted(tag=TAG, id="p", seen_at=self.now, received_at=self.now, **given))

    def answer(self, call: SeenCall, verdict: Verdict) -> None:
        """This open call ends so."""
        self.calls.remove(call)
        if verdict is Verdict.ACCEPTED:
            self.done.append(call.parcel)
        self.take(SeenCallEnded(call=call, verdict=verdict, detail="503"))

    def bury(self, call: SeenCall) -> None:
        """Its result became a dead letter: the agent never gets it."""
        self.calls.remove(call)
        self.buried.append(call.parcel)

    def wait(self, duration_ms: int) -> None:
        """Time passes; timers fire in their order, each at its time."""
        end = self.now + duration_ms
        while due := [timer for timer in self.timers.items() if timer[1].due_at <= end]:
            name, timer = min(due, key=lambda one: one[1].due_at)
            del self.timers[name]
            self.now = max(self.now, timer.due_at)
            self.take(timer)
        self.now = end

    def take(self, value: Any) -> None:
        """One event through the agent."""
        origin = f"facts.seen/0/{self.posts}" if isinstance(value, SeenPosted | SeenParcel) else ""
        stream = FakeStream([FakeEvent(value, origin=origin)], now=self.now)
        memory = Memory(self.seen, Queues(self.consumers, self.parcels, self.reference))
        for outcome in _all(mark_seen(stream, memory)):
            self.log.append((self.now, outcome))
            if isinstance(outcome, SeenCall):
                self.calls.append(outcome)
            if isinstance(outcome, SeenDue):
                parcel = outcome.parcel.origin if outcome.parcel else None
                self.timers[outcome.tag, outcome.destination, parcel, outcome.due_at] = outcome

    def calls_of(self, destination: str) -> list[SeenCall]:
        """What is open."""
        return [call for call in self.calls if call.parcel.destination == destination]

    def consumer(self, destination: str) -> Consumer:
        """The row."""
        return self.consumers.get(key_of(TAG, destination)) or Consumer()

    def failed(self) -> list[SeenFailed]:
        """What was given up."""
        return [one for _, one in self.log if isinstance(one, SeenFailed)]


def _all(outcomes: AsyncIterator[Any]) -> Iterator[Any]:
    """Without a loop: the agent waits for nothing."""
    while True:
        try:
            outcomes.__anext__().__await__().__next__()
        except StopIteration as found:
            yield found.value
        except StopAsyncIteration:
            return
