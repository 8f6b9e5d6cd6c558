"""A worker process until SIGTERM (SIGUSR1: for good): `python -m tests.broker.app --help`.

Its log is JSON lines on stderr: the engine's own events, and `states` whenever a task's state changes.
Exit codes: 0 after SIGTERM, 2 when a person must act (the reason is the event `stage_failed`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import psutil
import structlog
import uvloop
from prometheus_client import CollectorRegistry

from streams.engine.api import EngineConfig, StageFailedError
from streams.engine.meters import Meters
from streams.engine.stage import StageRunner
from streams.engine.worker import Worker
from tests.broker.app import scenarios
from tests.broker.app.registry import SCENARIOS, Setting

log = structlog.get_logger("app")
QUICK: Mapping[str, object] = {
    "session_timeout_ms": 6_000,
    "heartbeat_interval_ms": 300,
    "fetch_max_wait_ms": 100,
    "close_deadline_s": 5.0,
}
STATES_S = 0.02


class Told(msgspec.Struct, frozen=True):
    """The command line. `config` overrides the engine's settings, `params` are the scenario's own."""

    bootstrap: str
    app: str
    worker: str
    data: str
    scenario: str
    config: dict[str, Any] = {}
    params: dict[str, Any] = {}
    clock_ahead_ms: int = 0


def told() -> Told:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="tests.broker.app")
    for name in ("bootstrap", "app", "worker", "data", "scenario"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--config", type=json.loads, default={})
    parser.add_argument("--params", type=json.loads, default={})
    parser.add_argument("--clock-ahead-ms", type=int, default=0)
    return Told(**vars(parser.parse_args()))


async def tell_states(runners: list[StageRunner]) -> None:
    """Log the tasks' states when they change."""
    last: dict[str, dict[int, str]] = {}
    while True:
        states = {runner.stage.name: runner.states() for runner in runners}
        if states != last:
            last = {name: dict(tasks) for name, tasks in states.items()}
            log.info(
                "states",
                tasks=last,
                ready={runner.stage.name: runner.ready for runner in runners},
                generation={runner.stage.name: runner.membership.generation for runner in runners},
                rss_mib=psutil.Process().memory_info().rss >> 20,
            )
        await asyncio.sleep(STATES_S)


async def work(given: Told) -> None:
    """Run the scenario's stages until SIGTERM or until one fails."""
    config = EngineConfig(given.bootstrap, given.app, given.worker, given.data, **{**QUICK, **given.config})
    worker = Worker(
        config,
        Meters(CollectorRegistry()),
        lambda: int(time.time() * 1000) + given.clock_ahead_ms,
        lambda: uuid.uuid4().bytes,
    )
    setting = Setting(given.app, given.bootstrap, given.worker, given.params)
    await worker.start()
    runners = [worker.runner(stage) for stage in SCENARIOS[given.scenario](setting)]

    def stop(*, leave: bool) -> None:
        log.info("stopping")
        for runner in runners:
            runner.stop(leave=leave)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, partial(stop, leave=False))
    loop.add_signal_handler(signal.SIGUSR1, partial(stop, leave=True))
    teller = asyncio.create_task(tell_states(runners))
    try:
        async with asyncio.TaskGroup() as group:
            for runner in runners:
                group.create_task(runner.run())
    finally:
        teller.cancel()
        await worker.stop()


def main() -> int:
    """Run; the exit code says why it ended."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    given, code = told(), 0
    log.info("started", pid=os.getpid(), scenarios=scenarios.__all__)
    try:
        uvloop.run(work(given))
    except* StageFailedError as failed:
        code = 2
        for error in failed.exceptions:
            log.error("stage_failed", reason=str(error))  # noqa: TRY400 - the reason says all
    log.info("stopped", code=code)
    return code


if __name__ == "__main__":
    sys.exit(main())
