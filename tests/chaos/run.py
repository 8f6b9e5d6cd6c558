"""One chaos run from the first broker to the books."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from connectors.kafka_clients import open_brokers
from streams.lag import Lag
from streams.outside import engine_config
from streams.stages import chosen, input_topics
from tests.broker.faults.system import SECRET
from tests.chaos.blows import STRIKES
from tests.chaos.books import balance, overtaken, wanted
from tests.chaos.feed import Feed, feeding
from tests.chaos.load import MixedLoad
from tests.chaos.plan import KINDS, plan
from tests.chaos.shelf import Shelf, gather
from tests.chaos.strike import Scene, Struck, strike_all
from tests.chaos.system import Running, running
from tests.chaos.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from examples.accounts.compare import Check
    from examples.accounts.expected import Expected

SKEW_MS: Final = 300_000
CALM_S: Final = 10.0
"""Time without blows at the beginning."""
STANDING: Final = """
select (select count(*) from notification_requests), (select count(*) from notification_messages),
  (select count(*) from notification_messages where status = 'pending'
    or status = 'unknown' and status_reason = 'answer_hidden')
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run. `rate`: lines a second. `kinds`: of blows; none makes a calm run."""

    minutes: float
    seed: int
    rate: int
    folder: Path
    kinds: tuple[str, ...] = KINDS


@dataclass(slots=True)
class Result:
    """What came of it."""

    order: Order
    feed: Feed
    struck: list[Struck] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    watch: Watch | None = None
    shelf: Shelf | None = None
    late: list[Any] = field(default_factory=list)
    drain_s: float = 0.0
    standing: str = "facts and requests were not read"

    @property
    def balanced(self) -> bool:
        """All books balance, every blow had its effect, nothing unasked happened."""
        return not self.problems and bool(self.checks) and all(one.wanted == one.got for one in self.checks)


def effective(struck: list[Struck], order: Order) -> list[str]:
    """What is wrong with the blows: a kind that came too rarely, or one without any effect."""
    asked = Counter(blow.kind for blow in plan(order.seed, order.minutes, order.kinds))
    done = Counter(one.blow.kind for one in struck)
    proven = Counter(one.blow.kind for one in struck if one.effect.proven)
    return [
        f"{kind}: {done[kind]} of {many} blows, {proven[kind]} of them with effect"
        for kind, many in asked.items()
        if done[kind] < many or not proven[kind]
    ]


async def run(order: Order, say: Callable[[str], None]) -> Result:
    """Start, feed, strike, drain, check; everything has ended when this returns."""
    skew = SKEW_MS if Random(order.seed).random() < 0.5 else -SKEW_MS  # noqa: S311 - a plan, no secret
    async with running(order.folder, say) as system:
        say("three brokers, Postgres, fake provider, HTTP and three workers are ready")
        load = MixedLoad(order.seed)
        async with feeding(system.cluster.address, system.http_url, SECRET, skew) as feed:
            result = Result(order, feed)
            await feed.all(load.users())
            await _read_by(system, "intake", "recipient")
            result.watch = watch = Watch(system.cluster.address, lambda: len(feed.fed))
            looking = asyncio.create_task(watch.run())
            result.struck = await _under_load(order, Scene(system, feed, watch, say, skew), feed, load)
            await _drain(result, system, load, say)
            looking.cancel()
            await asyncio.wait([looking])
        say("reading topics, rows and the ledger")
        result.shelf = await gather(system.cluster.address, system.postgres.address, system.ledger)
        result.problems += [*system.fallen, *feed.refused]
        result.problems += effective(result.struck, order)
    result.checks = balance(wanted(feed.fed), feed.fed, result.shelf)
    result.late = overtaken(feed.fed, result.shelf)
    return result


async def _under_load(order: Order, scene: Scene, feed: Feed, load: MixedLoad) -> list[Struck]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(feed.steadily(load, order.rate, stop))
        blows = plan(order.seed, order.minutes, order.kinds)
        struck = await strike_all(blows, STRIKES, scene, CALM_S)
        last = CALM_S + order.minutes * 60
        while time.monotonic() - scene.began < last:
            scene.system.check()
            await asyncio.sleep(0.5)
        stop.set()
    return struck


async def _drain(result: Result, system: Running, load: MixedLoad, say: Callable[[str], None]) -> None:
    """All facts are read, then the questions are asked, then everything comes to its end."""
    began = time.monotonic()
    patience = 60 + began - result.feed.began
    try:
        async with asyncio.timeout(patience):
            say(f"{len(result.feed.fed)} lines are fed; draining")
            await _read_by(system, "intake", "recipient")
            await result.feed.all(load.questions())
            await _ended(result, system, wanted(result.feed.fed))
            await _read_by(system, "status", "stats", "seen")
    except TimeoutError:
        say(result.standing)
        result.problems.append(f"not drained after {patience:.0f} s: {result.standing}")
    result.drain_s = time.monotonic() - began
    say(f"drained in {result.drain_s:.0f} s")


async def _read_by(system: Running, *stages: str) -> None:
    """Until these stages have read all there is, one after the other."""
    config = engine_config(system.settings)
    lag = Lag(open_brokers(config.bootstrap))
    await lag.start()
    try:
        for stage in chosen(stages):
            await lag.wait(config.group(stage), input_topics(stage))
    finally:
        await lag.stop()


async def _ended(result: Result, system: Running, expected: Expected) -> None:
    """Until every request and every message has its row, and no message is under way."""
    messages = sum(map(len, expected.messages.values()))
    connection = await asyncpg.connect(system.postgres.address)
    try:
        while True:
            system.check()
            standing = await connection.fetchrow(STANDING)
            assert standing is not None
            result.standing = (
                f"{standing[0]} of {expected.requests} requests, {standing[1]} of {messages} messages, "
                f"{standing[2]} under way"
            )
            if standing[0] >= expected.requests and standing[1] >= messages and not standing[2]:
                return
            await asyncio.sleep(1.0)
    finally:
        await connection.close()
