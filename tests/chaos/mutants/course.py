"""One course from the first process to the books.

    python -m tests.chaos.mutants.course NAME SEED OUT [DIR]

Writes what came of it to the file `OUT`, as JSON, and keeps data and logs in `DIR` if given. It knows nothing
of mutants: the copy of the tree that it is started in may be one.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec

from connectors.kafka_clients import open_brokers
from streams.lag import Lag
from streams.outside import engine_config
from streams.stages import chosen, input_topics
from tests.broker.app.ledger import settled
from tests.broker.faults.system import ROOT as SYSTEM_ROOT
from tests.broker.faults.system import SECRET
from tests.chaos.books import balance, wanted
from tests.chaos.feed import feeding
from tests.chaos.load import MixedLoad
from tests.chaos.mutants.audit import audited
from tests.chaos.mutants.courses import COURSES
from tests.chaos.mutants.outcomes import Came, Difference
from tests.chaos.mutants.scene import Scene
from tests.chaos.mutants.world import World, standing
from tests.chaos.run import STANDING
from tests.chaos.shelf import gather

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from examples.accounts.compare import Check
    from examples.accounts.expected import Expected
    from tests.chaos.feed import Feed

RATE: Final = 40
CALM_S: Final = 1.5
STILL_S: Final = 10.0
WAITING_S: Final = 40.0
"""So long nothing moves before what is not there counts as lost; a request may wait 30 s for a contact."""
WAITING: Final = "select count(*) from notification_requests where outcome = 'waiting'"
PATIENCE_S: Final = 150.0
KNOWN_S: Final = 60.0
SHOWN: Final = 3


async def run(name: str, seed: int, folder: Path) -> Came:
    """Start, feed, strike, drain, check; everything has ended when this returns."""
    began, load = time.monotonic(), MixedLoad(seed)

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.1f} s  {text}", file=sys.stderr)

    async with standing(folder) as world:
        say("all is ready")
        async with feeding(world.kafka.address, world.http_url, SECRET, 0) as feed:
            scene = Scene(world, feed, load)
            await feed.all(load.users())
            problems = await _in_time(_facts_are_known(world), KNOWN_S, "users are not known")
            say("users are known")
            await _struck(name, scene)
            say("struck")
            problems += await _in_time(_drained(world, feed, load), PATIENCE_S, "still moving")
        say("drained")
        shelf = await gather(world.kafka.address, world.postgres.address, world.ledger)
        checks = [*balance(wanted(feed.fed), feed.fed, shelf), await audited(world.postgres.address)]
    return Came(
        course=name,
        source=source(),
        seconds=round(time.monotonic() - began, 1),
        lines=len(feed.fed),
        differences=[_difference(one) for one in checks if one.wanted != one.got],
        blows=scene.told,
        idle=scene.idle,
        fallen=world.fallen,
        problems=[*problems, *feed.refused],
    )


def source() -> str:
    """The tree that a worker imports: it stands in `/`, and is told where to look as the workers are."""
    asked = "import streams; print(streams.__file__)"
    told = [f"PYTHONPATH={SYSTEM_ROOT}", sys.executable, "-c", asked]
    done = subprocess.run(["/usr/bin/env", *told], cwd="/", capture_output=True, text=True, check=True)
    return str(Path(done.stdout.strip()).parent.parent)


def _difference(one: Check) -> Difference:
    shown = [*one.missing[:SHOWN], *one.surplus[:SHOWN]]
    return Difference(one.name, len(one.missing), len(one.surplus), [repr(each)[:200] for each in shown])


async def _struck(name: str, scene: Scene) -> None:
    """All blows of the course under a steady feed."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.feed.steadily(scene.load, RATE, stop))
        for blow in COURSES[name]:
            await asyncio.sleep(CALM_S)
            try:
                await blow(scene)
            except (AssertionError, TimeoutError) as error:
                scene.note(f"failed: {str(error)[-600:] or error!r}", proven=False)
        stop.set()


async def _in_time(step: Awaitable[None], most_s: float, else_told: str) -> list[str]:
    """What to say of a step that did not end in time; a mutant may never commit where it has come to."""
    try:
        await asyncio.wait_for(step, most_s)
    except TimeoutError:
        return [f"{else_told} after {most_s:.0f} s"]
    return []


async def _drained(world: World, feed: Feed, load: MixedLoad) -> None:
    """Until all has come to its end, or nothing moves any more."""
    await _facts_are_known(world)
    await feed.all(load.questions())
    await _ended(world, wanted(feed.fed))
    async with asyncio.timeout(STILL_S):
        await _read_by(world, "status", "stats", "seen")


async def _facts_are_known(world: World) -> None:
    """Nothing more is fed; between the two stages the intake's last markers must have been written."""
    await _read_by(world, "intake")
    for topic in input_topics("recipient"):
        await settled(world.kafka.address, topic, PATIENCE_S)
    await _read_by(world, "recipient")


async def _read_by(world: World, *stages: str) -> None:
    """Until these stages have read all there is, one after the other."""
    config = engine_config(world.settings)
    lag = Lag(open_brokers(config.bootstrap))
    await lag.start()
    try:
        for stage in chosen(stages):
            await lag.wait(config.group(stage), input_topics(stage))
    finally:
        await lag.stop()


async def _ended(world: World, expected: Expected) -> None:
    """Until every request and every message has its row and its end, or nothing has moved for long."""
    messages = sum(map(len, expected.messages.values()))
    connection = await asyncpg.connect(world.postgres.address)
    last, since = None, time.monotonic()
    try:
        waiting = 1
        while time.monotonic() < since + (WAITING_S if waiting else STILL_S):
            waiting = await connection.fetchval(WAITING)
            found = await connection.fetchrow(STANDING)
            assert found is not None
            if found[0] >= expected.requests and found[1] >= messages and not found[2]:
                return
            if (now := (*found, world.ledger.stat().st_size)) != last:
                last, since = now, time.monotonic()
            await asyncio.sleep(0.3)
    finally:
        await connection.close()


def main() -> int:
    """Run one; 0 whatever the books say."""
    name, seed, out, *kept = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="carillon-course-", ignore_cleanup_errors=True) as made:
        folder = Path(kept[0] if kept else made)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        logging.basicConfig(filename=folder / "clients.log")  # of a broker that stalls
        came = asyncio.run(run(name, int(seed), folder))
        Path(out).write_bytes(msgspec.json.format(msgspec.json.encode(came)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
