"""How a worker of the product ends: for good, or because a person must act (design rules 3 and 4)."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from connectors.embedded.kafka import EmbeddedKafka
from streams.running import prepare
from streams.settings import Settings
from tests.broker.faults.system import Program, base_settings, free_port

PARTITIONS = 4


def assigned(worker: Program) -> list[int]:
    """The tasks that the group last gave to a worker."""
    lines = [line for line in worker.log.read_text().splitlines() if '"tasks_assigned"' in line]
    return list(json.loads(lines[-1])["tasks"]) if lines else []


async def test_a_worker_told_to_leave_needs_no_session_to_run_out(
    own_kafka: EmbeddedKafka, database: str, tmp_path: Path
) -> None:
    """Static ids, a session of five minutes. Mutation: SIGUSR1 stops like SIGTERM, the place stays taken."""
    base = base_settings(own_kafka.address, database)
    await prepare(Settings(data_dir=tmp_path / "here", **base), print)
    staying, leaving = (program(name, tmp_path, base) for name in ("worker-a", "worker-b"))
    async with AsyncExitStack() as stack:
        for worker in (staying, leaving):
            stack.push_async_callback(worker.stop)
            worker.start()
        for worker in (staying, leaving):
            await worker.until_ready()
        async with asyncio.timeout(60):
            while PARTITIONS // 2 != len(assigned(staying)):
                await asyncio.sleep(0.1)
            leaving.signal(signal.SIGUSR1)
            assert 0 == await leaving.ended()
            while list(range(PARTITIONS)) != assigned(staying):
                await asyncio.sleep(0.1)


async def test_a_worker_whose_stage_needs_a_person_says_why_and_ends_with_2(
    own_kafka: EmbeddedKafka, database: str, tmp_path: Path
) -> None:
    """Its changelog is missing. Mutation: Faust's own exit code, which is 1 for everything."""
    base = base_settings(own_kafka.address, database)
    await prepare(Settings(data_dir=tmp_path / "here", **base), print)
    base["kafka"] |= {"app": "another"}
    worker = program("worker-a", tmp_path, base, "recipient")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(worker.stop)
        worker.start()
        assert 2 == await worker.ended()
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if '"stage_failed"' in line]
    assert [True] == ["no topic another.recipient.changelog" in line["error"] for line in lines]


def program(name: str, folder: Path, base: dict[str, Any], stage: str = "intake") -> Program:
    """A worker of one stage, with a static id and a long session."""
    own = {
        "data_dir": str(folder / name),
        "http": {"ops_port": free_port()},
        "engine": {"worker_name": name, "static_id": True, "session_timeout_ms": 300_000},
        "log": {"format": "json"},
    }
    return Program(name, folder, ("streams.cli", "worker", "--stages", stage), base | own)
