"""A release that changes two schemas and reads one topic more: rolled over all workers, and taken back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID

from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from examples.accounts import topics
from streams.lag import Lag
from streams.outside import engine_config
from tests.broker.faults.system import ROOT
from tests.chaos.blows.workers import back, stopped_in_order
from tests.chaos.cluster import BROKERS
from tests.chaos.mutants.patches import Change, copy_tree, patched
from tests.chaos.plan import WORKERS
from tests.chaos.strike import TASKS, Effect

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from tests.broker.faults.load import Line
    from tests.chaos.strike import Scene

NEW_TOPIC: Final = "billing.events"
NEXT: Final = (
    Change(
        "schemas/avro/RequestReceived.avsc",
        '"name": "problem", "type": ["null", "string"], "default": null}',
        '"name": "problem", "type": ["null", "string"], "default": null},\n'
        '    {"name": "shelf", "type": ["null", "string"], "default": null}',
    ),
    Change(
        "schemas/records/requests.py",
        "    problem: str | None = None  # a Reason that intake already knows",
        "    shelf: str | None = None\n    problem: str | None = None  # a Reason that intake already knows",
    ),
    Change(
        "schemas/avro/Progress.avsc",
        '{"name": "attempts", "type": "long", "default": 0}',
        '{"name": "attempts", "type": "long", "default": 0},\n'
        '    {"name": "shelf", "type": ["null", "string"], "default": null}',
    ),
    Change(
        "tables/progress.py",
        "    attempts: int = 0\n",
        "    attempts: int = 0\n    shelf: str | None = None\n",
    ),
    Change("schemas/topics.py", '    "payment.events",\n', f'    "payment.events",\n    "{NEW_TOPIC}",\n'),
)
"""A record between two stages and a row of a table get a field each; the intake gets an input."""
EVENTS: Final = 20
PATIENCE_S: Final = 300.0


async def taken_back(scene: Scene, _victim: str, dice: Random) -> Effect:
    """Forth, some events on the new topic, and back: the older release reads what the newer one has left."""
    system = scene.system
    folder = await asyncio.to_thread(next_release, system.folder / "next")
    async with topics_of(open_brokers(system.cluster.address)) as admin:
        await admin.create_missing([TopicSpec(NEW_TOPIC, TASKS, BROKERS, {"min.insync.replicas": "2"})])
    lines = [_line(scene, dice) for _ in range(EVENTS)]
    codes = []
    scene.hit()
    try:
        codes += await _rolled(scene, folder)
        await scene.feed.all(lines)
        await _read(scene)
    finally:
        codes += await _rolled(scene, ROOT)
    published = (await topics.read(system.cluster.address, (topics.SCHEMAS,), "\0"))[topics.SCHEMAS]
    known = len({record.key for record in published})
    ours = len(list((ROOT / "schemas" / "avro").glob("*.avsc")))
    told = f"ended with {codes}; {EVENTS} events of the new topic read, {known - ours} schemas of it known"
    return Effect(not any(codes) and known > ours, told)


def next_release(folder: Path) -> Path:
    """The tree of the next release, made once."""
    if not folder.exists():
        copy_tree(ROOT, folder)
        for change in NEXT:
            path = folder / change.file
            path.write_text(patched(path.read_text(encoding="utf-8"), change), encoding="utf-8")
    return folder


async def _rolled(scene: Scene, root: Path) -> list[int]:
    codes = []
    for name in WORKERS:
        async with scene.system.locks[name]:
            worker = scene.system.workers[name]
            codes.append(await stopped_in_order(worker))
            worker.root = root
            await back(worker)
    return codes


def _line(scene: Scene, dice: Random) -> Line:
    """An event that no rule maps: it ends as skipped, with a row."""
    user = dice.choice(scene.feed.fed).line.get("key") or str(UUID(int=dice.getrandbits(128), version=4))
    event_id = str(UUID(int=dice.getrandbits(128), version=4))
    return {
        "to": "kafka",
        "topic": NEW_TOPIC,
        "key": user,
        "headers": {"source": "billing-service", "event_id": event_id},
        "value": {"event_type": "billing.opened", "user_id": user, "data": {}},
    }


async def _read(scene: Scene) -> None:
    """Until the intake has read the new topic; that each event has its row is for the books."""
    config = engine_config(scene.system.settings)
    lag = Lag(open_brokers(config.bootstrap))
    await lag.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await lag.wait(config.group("intake"), (NEW_TOPIC,))
    finally:
        await lag.stop()
