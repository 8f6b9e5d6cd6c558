"""The scene: mails at a steady rate to two providers; the first dies, is busy, limits and recovers."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import yaml

from bench.asked import Feeding, Flow, Receipts
from bench.detour import found
from bench.detour.server import HOST, LISTENS, Manners
from bench.product import USERS, Product, free_ports, introduce, user_of
from bench.sections import Say
from bench.watch import Watched, python
from streams.applying import apply_directory

FIRST, RESERVE = "first", "reserve"
STAGES = "intake,recipient,delivery-email,status,sink"
CHANNEL = "email"
PAUSE_MS = 30_000
"""The product's own pause of a provider that fails."""
TRIES = 10
"""At least so often is a dead provider tried: a shorter pause where the scene is too short for the whole."""
READY_S = 60.0
EVERY_S = 0.05
LOOK_S = 0.5
STILL_S = 400.0
"""So long after the last one no mail comes any more: a bit longer than the longest wait for a retry."""
QUIET_S = 3.0
"""After the last mail, to see whether one comes twice."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Lasts until so large a share of all mails was received in it; `by_first`: by the first provider.

    `takes`: of what was received a second until then; None: all, 0: nothing, for it is dead.
    """

    name: str
    share: float
    takes: float | None = None
    refusal: str = ""
    by_first: bool = False


DEAD = Phase("is dead", 0.3, takes=0.0)
PHASES = (
    Phase("works", 0.2),
    DEAD,
    Phase("is busy", 0.1, takes=0.5, refusal="451 4.3.2 Busy, try again later"),
    Phase("limits", 0.1, takes=0.5, refusal="450 4.7.28 Too many mails, try again later", by_first=True),
    Phase("is back", 0.3),
)


@dataclass(slots=True)
class Server:
    """The mail server of one provider: a process that may be killed, and starts again on the same port."""

    name: str
    port: int
    folder: Path
    ledger: Path = field(init=False)
    _manners: Path = field(init=False)
    _running: Watched | None = None
    _starts: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.ledger, self._manners = self.folder / "ledger.jsonl", self.folder / "manners.json"

    async def behave(self, manners: Manners) -> None:
        """From now on so; it is started if it does not run."""
        self._manners.write_bytes(msgspec.json.encode(manners))
        if self._running is not None:
            os.kill(self._running.process.pid, signal.SIGHUP)
            return
        self._starts += 1
        files = [f"--ledger={self.ledger}", f"--manners={self._manners}"]
        argv = python("bench.detour.server", [f"--provider={self.name}", f"--port={self.port}", *files])
        watched = await Watched.start(argv, self.folder / f"start-{self._starts}")
        await watched.until(lambda: watched.said(LISTENS), READY_S, f"{self.name} did not start")
        self._running = watched

    async def kill(self) -> None:
        """SIGKILL: its port is closed, and what it has not answered it never will."""
        if self._running is not None:
            self._running.kill()
            await self._running.stop()
            self._running = None


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it. `began`: when each phase did, ms of wall time; `late_ms`: P99 of the feed."""

    feeding: Feeding
    began: tuple[float, ...]
    late_ms: float


@dataclass(slots=True)
class Stage:
    """The product, and the two servers that it sends to; the first of them is the first provider's."""

    made: Product
    servers: dict[str, Server]
    say: Say

    @property
    def ledgers(self) -> list[Path]:
        """Of both."""
        return [server.ledger for server in self.servers.values()]

    async def play(self, mails: int, rate: float) -> Played:
        """All phases; returns when every mail has ended, or none has for long."""
        worker = await self.made.worker(STAGES)
        try:
            users = (user_of(number) for number in range(min(USERS, mails)))
            await introduce(self.made, worker, users, self.say)
            feeding = await Feeding.start(self.made, Flow(0, mails, rate, "low", mails=True))
            try:
                return await self._play(feeding)
            finally:
                await feeding.watched.stop()
        finally:
            await worker.watched.stop()

    async def _play(self, feeding: Feeding) -> Played:
        receipts = [Receipts(ledger) for ledger in self.ledgers]
        mails, began = feeding.flow.count, []
        for phase in PHASES:
            began.append(time.time() * 1000)
            self.say(f"the first provider {phase.name}")
            await self._strike(phase, _many(receipts) * 1000 / max(began[-1] - began[0], 1.0))
            await _received(receipts, phase, mails)
        late_ms = await feeding.ended(mails / feeding.flow.rate + STILL_S)
        await _grown(partial(found.sent, self.made.flags["postgres.dsn"]), mails, LOOK_S)
        await asyncio.sleep(QUIET_S)
        return Played(feeding, tuple(began), late_ms)

    async def _strike(self, phase: Phase, rate: float) -> None:
        """`rate`: what was received a second."""
        first = self.servers[FIRST]
        if phase.takes == 0:
            await first.kill()
        else:
            await first.behave(Manners(phase.takes and phase.takes * rate, phase.refusal))


@asynccontextmanager
async def stage(made: Product, pause_ms: int, say: Say) -> AsyncIterator[Stage]:
    """Both servers run, and the product knows them and no other."""
    ports = free_ports()
    servers = {name: Server(name, next(ports), made.folder / name) for name in (FIRST, RESERVE)}
    try:
        for server in servers.values():
            await server.behave(Manners())
        await apply_directory(made.settings, _book(made.folder / "book", servers))
        made.flags["providers.breaker_pause_ms"] = str(pause_ms)
        yield Stage(made, servers, say)
    finally:
        for server in servers.values():
            await server.kill()


def pause_of(mails: int, rate: float) -> int:
    """For how long a provider that fails is left alone, ms."""
    return min(PAUSE_MS, round(DEAD.share * mails / rate * 1000 / TRIES))


def _many(receipts: Iterable[Receipts]) -> int:
    return sum(len(one.at) for one in receipts)


async def _received(receipts: list[Receipts], phase: Phase, mails: int) -> None:
    """Until so many more were received as the phase says, or all were, or none for long."""
    counted = receipts[:1] if phase.by_first else receipts
    enough = _many(counted) + phase.share * mails

    async def more() -> float:
        for one in receipts:
            one.look()
        return enough if _many(receipts) >= mails else _many(counted)

    await _grown(more, enough, EVERY_S)


async def _grown(count: Callable[[], Awaitable[float]], enough: float, every_s: float) -> None:
    """Until a count has reached this, or has not grown for long."""
    before, since = -1.0, time.monotonic()
    while before < enough and time.monotonic() - since < STILL_S:
        await asyncio.sleep(every_s)
        now = await count()
        if now > before:
            before, since = now, time.monotonic()


def _book(folder: Path, servers: dict[str, Server]) -> Path:
    """Both providers of mail, the first before the reserve; the sample data's own is off."""
    folder.mkdir()
    providers = [
        {
            "name": server.name,
            "channel_type": CHANNEL,
            "kind": "smtp",
            "priority": 99 - place,
            "config": {"host": HOST, "port": server.port},
        }
        for place, server in enumerate(servers.values())
    ]
    off = {"name": "mail", "channel_type": CHANNEL, "kind": "smtp", "is_active": False}
    (folder / "providers.yaml").write_text(yaml.safe_dump([*providers, off]), encoding="utf-8")
    return folder
