"""Stages from intake to status, of one user and in memory, joined as the topics join them, at one clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from agents.forward import Queues
from agents.mark_seen import Memory as SeenMemory
from agents.mark_seen import mark_seen
from agents.settle import Memory as StatusMemory
from agents.settle import settle
from schemas.codec import Decoder, encode
from schemas.records import (
    AttemptEnded,
    FallbackAsked,
    FallbackDue,
    FallbackGranted,
    FallbackOff,
    FallbackPlanned,
    MessageQueued,
    MessageSeen,
    ReceiptHeard,
    ReceiptsAsked,
    RequestDecided,
    SeenPosted,
    SendTask,
)
from schemas.topics import SHOWN
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.requests import ALARM, PHONES, REGISTERED, REQUEST, USER, Desk

PROVIDER = "gate"
ASKED = replace(REQUEST, notification_type=ALARM.code)
OUTCOMES = RequestDecided | MessageQueued | FallbackPlanned | MessageSeen


@dataclass
class House:
    """The stages with their inputs. A step of a stage handles one record; who steps is the test's choice.

    `sent`: tasks for delivery, in order. `rows`: decisions, in order.
    """

    desk: Desk = field(default_factory=Desk)
    status: StatusMemory = field(
        default_factory=lambda: StatusMemory(MemoryTable(), MemoryTable(), MemoryTable())
    )
    saw: SeenMemory = field(
        default_factory=lambda: SeenMemory(
            MemoryTable(), Queues(MemoryTable(), MemoryTable(), Desk().outside.reference)
        )
    )
    requests: deque[Any] = field(default_factory=deque)
    outcomes: deque[Any] = field(default_factory=deque)
    facts: deque[Any] = field(default_factory=deque)
    posts: deque[ReceiptHeard | ReceiptsAsked] = field(default_factory=deque)
    timers: dict[tuple[str, int], FallbackDue] = field(default_factory=dict)
    sent: list[SendTask] = field(default_factory=list)
    rows: list[RequestDecided] = field(default_factory=list)
    queued: list[MessageQueued] = field(default_factory=list)

    @property
    def now(self) -> int:
        """The clock of all."""
        return self.desk.now

    async def begin(self, *facts: Any, asked: Any = ASKED) -> None:
        """The user, what he chose, and a request of the type that may fall back."""
        await self.desk.tell(REGISTERED, PHONES, *facts)
        self.requests.append(asked)
        await self.settle()

    def post(self, message_id: str, tag: str = SHOWN, user_id: str = USER) -> None:
        """A seen post that was answered 200."""
        posted = SeenPosted(
            kind="client",
            tag=tag,
            id=message_id,
            seen_at=self.now,
            received_at=self.now,
            user={"user_id": user_id},
            user_key=f"user:{user_id}",
        )
        self.facts.append(posted)

    def report(self, message_id: str, word: str = "delivered") -> None:
        """A provider's post that was answered 200."""
        event = f"{message_id}/{word}/{self.now}"
        told = ReceiptHeard(
            event_id=event, message_id=message_id, kind=word, at=self.now, provider=PROVIDER, channel="push"
        )
        self.posts.append(told)

    def deliver(self, task: SendTask, status: str) -> None:
        """What the delivery stage says about a message."""
        self.outcomes.append(
            AttemptEnded(
                event_id=f"{task.message_id}/{status}",
                **{
                    name: getattr(task, name)
                    for name in AttemptEnded.__struct_fields__
                    if hasattr(task, name)
                },
                status=status,
                at=self.now,
                provider=PROVIDER,
            )
        )

    async def settle(self) -> None:
        """Until nothing is left to read."""
        while (
            await self.step_recipient()
            or await self.step_status()
            or await self.step_seen()
            or await self.step_intake()
        ):
            pass

    async def pass_time(self, until: int) -> None:
        """Set the clock forward; due timers fire, everything is read."""
        self.desk.now = until
        while await self.fire():
            await self.settle()

    async def fire(self) -> bool:
        """The first due timer."""
        due = min((key[1], key[0]) for key in self.timers) if self.timers else None
        if due is None or due[0] > self.now:
            return False
        await self._status(self.timers.pop((due[1], due[0])))
        return True

    async def step_recipient(self) -> bool:
        """One record of `request.<lane>`."""
        if not self.requests:
            return False
        for one in await self.desk.tell(_travelled(self.requests.popleft())):
            match one:
                case SendTask():
                    self.sent.append(one)
                case _:
                    assert isinstance(one, OUTCOMES)
                    self.outcomes.append(one)
        return True

    async def step_status(self) -> bool:
        """One record of `outcomes`."""
        if not self.outcomes:
            return False
        await self._status(_travelled(self.outcomes.popleft()))
        return True

    async def step_seen(self) -> bool:
        """One record of `facts.seen`."""
        if not self.facts:
            return False
        stream = FakeStream([FakeEvent(_travelled(self.facts.popleft()), at=self.now)], self.now)
        async for one in mark_seen(stream, self.saw):
            if isinstance(one, MessageSeen | FallbackAsked):
                self.outcomes.append(one)
        return True

    async def step_intake(self) -> bool:
        """One record of `provider.receipts`."""
        if not self.posts:
            return False
        self.outcomes.append(_travelled(self.posts.popleft()))
        return True

    def asked(self, question: FallbackAsked | ReceiptsAsked) -> None:
        """Each goes its way."""
        if isinstance(question, ReceiptsAsked):
            self.posts.append(question)
        else:
            self.facts.append(question)

    def _reporting(self, channel: str) -> list[str]:
        return [PROVIDER, "other"] if channel == "push" else []

    async def _status(self, value: Any) -> None:
        async for one in settle(
            FakeStream([FakeEvent(value, at=self.now)], self.now), self.status, self._reporting
        ):
            match one:
                case FallbackDue():
                    self.timers[one.wait_id, one.due_at] = one
                case FallbackOff():
                    self.timers.pop((one.wait_id, one.due_at), None)
                case FallbackAsked() | ReceiptsAsked():
                    self.asked(one)
                case FallbackGranted():
                    self.requests.append(one)
                case RequestDecided():
                    self.rows.append(one)
                case _:
                    pass
        if isinstance(value, MessageQueued):
            self.queued.append(value)


def _travelled(value: Any) -> Any:
    """As it comes out of a topic."""
    return Decoder(type(value))(encode(value))
