"""One engine's process, watched from outside: when its outputs commit, and what CPU and memory that takes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from connectors.embedded.process import Command, GuardedProcess, closing_fd, take_folder

ROOT = Path(__file__).parents[1]
EVERY_S = 0.02
START_S = 90.0
QUIET_S = 2.5


class BenchError(RuntimeError):
    """Something that was to be measured did not start, or ended too early."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds of a clock, offsets committed to the outputs, CPU seconds so far, bytes of memory."""

    at: float
    outputs: int
    client_cpu_s: float
    broker_cpu_s: float
    rss: int


@dataclass(slots=True)
class Watched:
    """A process under a guard: it ends when the bench ends, in whatever way."""

    process: GuardedProcess
    log: Path

    @classmethod
    async def start(cls, argv: Sequence[str], folder: Path) -> Self:
        """Start a command whose output goes to a log in `folder`; our modules are on its path."""
        command = Command(
            ("/usr/bin/env", f"PYTHONPATH={ROOT}", *argv), log=folder / "process.log", grace_s=3.0
        )
        with closing_fd(await take_folder(folder)) as fd:
            return cls(GuardedProcess(argv[0], command, fd), command.log)

    def said(self, word: str) -> bool:
        """Whether the process has printed this word."""
        return self.log.exists() and word in self.log.read_text(errors="replace")

    async def first_record(self) -> None:
        """Wait until the job has its first record."""
        await self.until(lambda: self.said("FIRST"), START_S, "no record arrived")

    async def until(self, true: Callable[[], bool], seconds: float, complaint: str) -> None:
        """Wait for a condition; BenchError with the end of the log when the process ends or time runs out."""
        deadline = time.monotonic() + seconds
        while not true():
            if self.process.exit_code is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
                raise BenchError(f"{complaint}: {tail}")
            await asyncio.sleep(EVERY_S)

    def kill(self) -> None:
        """SIGKILL, without a word to the process."""
        os.kill(self.process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End it."""
        await self.process.stop()


class Watch:
    """Looks at one engine's process, the broker's process and the ends of the output topics."""

    def __init__(self, bootstrap: str, pids: tuple[int, int], outputs: Sequence[TopicPartition]) -> None:
        """`pids`: the engine's and the broker's."""
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
        self._client, self._broker = (psutil.Process(pid) for pid in pids)
        self._outputs = list(outputs)

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def look(self) -> Sample:
        """One sample; offsets as a read_committed consumer sees them, so only what is committed counts."""
        ends = await self._consumer.end_offsets(self._outputs) if self._outputs else {}
        client, broker = self._client.cpu_times(), self._broker.cpu_times()
        return Sample(
            time.monotonic(),
            sum(ends.values()),
            client.user + client.system,
            broker.user + broker.system,
            self._client.memory_info().rss,
        )

    async def until_done(self, expected: int, deadline_s: float) -> list[Sample]:
        """Samples until `expected` outputs are committed and nothing more comes, or until the deadline.

        The last sample is the one at which the outputs last grew.
        """
        samples = [await self.look()]
        deadline = samples[0].at + deadline_s
        while True:
            await asyncio.sleep(EVERY_S)
            now = await self.look()
            if now.outputs > samples[-1].outputs:
                samples.append(now)
            complete = samples[-1].outputs >= expected
            if (complete and now.at - samples[-1].at > QUIET_S) or now.at > deadline:
                return samples


async def anyway(*endings: Callable[[], Awaitable[None]]) -> None:
    """Run every ending, whatever the others do."""
    for end in endings:
        with suppress(Exception):
            await end()


def python(module: str, arguments: Sequence[str]) -> list[str]:
    """The command that runs a module of the bench."""
    return [sys.executable, "-m", module, *arguments]
