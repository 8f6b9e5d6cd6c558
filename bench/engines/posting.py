"""Posts seen facts, or requests to notify, over kept-alive connections, timing the answers.

Without a rate each connection posts again as soon as it is answered, and a wait counts from the post. With a
rate posts are due on a fixed schedule, whatever the answers do, and a wait counts from the time at which the
post was due, so that a server which stands still cannot hide it.
A client of few microseconds a post, so that the server beside it on the same cores is what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import cast

import uvloop

from bench.waits import at_share, distribution
from connectors.http.seen import PATH
from connectors.http.send import PATH as SEND_PATH

HEAD = (
    f"POST {PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    "X-Auth-Kind: client\r\nX-Gateway-Secret: {secret}\r\nX-User-Id: user-{number}\r\n"
    "Content-Length: {length}\r\n\r\n"
)
SEND_HEAD = (
    f"POST {SEND_PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    "Authorization: Bearer {secret}\r\nContent-Length: {length}\r\n\r\n"
)
OK = (b"HTTP/1.1 200", b"HTTP/1.1 202")
END = b"\r\n\r\n"
SEND_BODY = (
    b'{"user_id":"00000000-0000-4000-8000-%012d","notification_type":"order_confirmation",'
    b'"data":{"OrderNumber":"%d","Amount":1500},"priority":"high","idempotency_key":"bench-%d"}'
)
TICK_S = 0.001
GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Wait:
    """One answered post: when it was due and when it was answered, on the loop's clock in seconds."""

    due: float
    answered: float


@dataclass(slots=True)
class Posting:
    """What the connections share: the secret, what is posted, numbers for the bodies, the answered posts."""

    secret: str
    after: Callable[[Client], None]
    numbers: count[int] = field(default_factory=count)
    waits: list[Wait] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    what: str = "seen"

    def request(self) -> bytes:
        """The next post, whole."""
        number = next(self.numbers)
        if self.what == "seen":
            head, body = HEAD, b'{"tag":"promotions","id":"%d"}' % number
        else:
            head, body = SEND_HEAD, SEND_BODY % (number % 100_000, number, number)
        told = head.format(secret=self.secret, number=number % 100_000, length=len(body))
        return told.encode() + body


class Client(asyncio.Protocol):
    """One connection. Answers have a body of some bytes, so one without a body is not complete."""

    def __init__(self, posting: Posting) -> None:
        self._posting = posting
        self._due = 0.0
        self._answer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._posting.after(self)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        _, end, body = self._answer.partition(END)
        if not end or not body:
            return
        if not self._answer.startswith(OK):
            self._posting.refused.append(self._answer)
            return
        self._posting.waits.append(Wait(self._due, time.monotonic()))
        self._answer = b""
        self._posting.after(self)

    def post(self, due: float) -> None:
        """Send the next post, which was due at this time."""
        assert self._transport is not None
        self._due = due
        self._transport.write(self._posting.request())


async def at_once(options: argparse.Namespace) -> dict[str, object]:
    """Each connection posts again when it is answered."""
    posting = Posting(options.secret, lambda client: client.post(time.monotonic()), what=options.what)
    await _connected(posting, options)
    await asyncio.sleep(options.warm)
    began = time.monotonic()
    await asyncio.sleep(options.seconds)
    ended = time.monotonic()
    kept = [wait for wait in posting.waits if began <= wait.answered < ended]
    return _told(posting, kept, {"rate": len(kept) / (ended - began)})


class Schedule:
    """Posts are due at a steady rate; one that finds no free connection waits for the next free one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.posting = Posting(options.secret, self._free, what=getattr(options, "what", "seen"))
        self.late_s: list[float] = []
        self._rate = options.rate
        self._posts: int = round(options.rate * (options.warm + options.seconds))
        self._idle: list[Client] = []
        self._waiting: deque[float] = deque()

    async def run(self, started: float) -> None:
        """Offer every post at its time; ends when all are answered, or the grace after the last one."""
        while len(self.late_s) < self._posts:
            self._offer(started, time.monotonic())
            await asyncio.sleep(TICK_S)
        deadline = time.monotonic() + GRACE_S
        while self.unanswered and time.monotonic() < deadline:
            await asyncio.sleep(TICK_S)

    @property
    def unanswered(self) -> int:
        """Posts without an answer so far."""
        return self._posts - len(self.posting.waits)

    def _offer(self, started: float, now: float) -> None:
        while len(self.late_s) < self._posts and (due := started + len(self.late_s) / self._rate) <= now:
            self.late_s.append(now - due)
            if self._idle:
                self._idle.pop().post(due)
            else:
                self._waiting.append(due)

    def _free(self, client: Client) -> None:
        if self._waiting:
            client.post(self._waiting.popleft())
        else:
            self._idle.append(client)


async def on_schedule(options: argparse.Namespace) -> dict[str, object]:
    """Every post at its time, with waits from then; those of the warm-up are left out."""
    schedule = Schedule(options)
    await _connected(schedule.posting, options)
    started = time.monotonic()
    await schedule.run(started)
    began, ended = started + options.warm, started + options.warm + options.seconds
    waits = schedule.posting.waits
    more = {
        "rate": sum(began <= wait.answered < ended for wait in waits) / options.seconds,
        "unanswered": schedule.unanswered,
        "late_ms": at_share(sorted(schedule.late_s), 0.99) * 1000,
    }
    return _told(schedule.posting, [wait for wait in waits if wait.due >= began], more)


async def _connected(posting: Posting, options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(options.connections):
        await loop.create_connection(lambda: Client(posting), "127.0.0.1", options.port)


def _told(posting: Posting, waits: list[Wait], more: dict[str, object]) -> dict[str, object]:
    if posting.refused:
        raise SystemExit(posting.refused[0].decode())
    return {**more, **distribution((wait.answered - wait.due) * 1000 for wait in waits)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--what", choices=("seen", "send"), default="seen")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--warm", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, help="posts a second; none: each as soon as it can be")
    given = parser.parse_args()
    told = uvloop.run(on_schedule(given) if given.rate else at_once(given))
    print("POSTED", json.dumps(told), flush=True)
