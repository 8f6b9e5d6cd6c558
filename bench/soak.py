"""`python -m bench.soak`: the whole pipeline under a steady feed, to see what grows; writes docs/soak.md.

    python -m bench.soak --minutes 30             at half of the rate that the bench has measured
    python -m bench.soak --minutes 5 --rate 200

Exit code 1 when something grows, when a TTL does not empty what it should, or when a post was refused.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import aiohttp
import uvloop
import yaml

from bench import results
from bench.machine import machine
from bench.product import EXAMPLES, OK, USERS, Product, installed, register, sending, user_of
from bench.sections import Say
from bench.show import Screen
from bench.soak_page import Ran, write_page
from bench.soak_watch import Looks, rows_left
from bench.steady import Steady, steadily
from connectors.clock import now_ms
from connectors.http.seen import PATH
from schemas import topics
from streams.applying import apply_directory
from streams.outside import engine_config
from streams.settings import load_settings
from streams.stages import stateful_stages

POSTS_SHARE = 0.1
LIFE_SHARE = 0.1
TRICKLE_SHARE = 0.04
"""Of the rate, after the feed: logs are cleaned, and stores compacted, only while something is written."""
TRICKLE_FROM = 1_000_000_000
"""Number of the trickle's first request: other keys than the feed's."""
WAIT_S = 30.0
CLEANING_S = 60.0
SECRET = "gateway-of-the-bench"  # noqa: S105 - of servers that live for an hour
WINDOWS = {"types.yaml": ("ttl_s", "dedup_window_s"), "seen.yaml": ("remember_for_s",)}
SMALL = {"engine.store_cache_mib": "8", "engine.store_write_mib": "8"}
"""What is bounded is full within minutes: else memory grows towards its bound for most of an hour."""
BRISK = {"segment_ms": "10000", "min_cleanable_dirty_ratio": "0.01", "file_delete_delay_ms": "1000"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How long (s) to feed at which rate (requests a second), how long rows live, how often to look."""

    feed_s: float
    rate: float
    life_s: int
    every_s: float

    @property
    def post_rate(self) -> float:
        """Seen posts a second beside the requests."""
        return self.rate * POSTS_SHARE

    @property
    def quiet_s(self) -> float:
        """How long the trickle goes on: until all rows of the feed have ended, and tombstones are cleaned."""
        return 2 * self.life_s + WAIT_S + CLEANING_S


class Posts:
    """Seen posts at a fixed rate over HTTP, each a fact of its own; an open loop."""

    def __init__(self, port: int, rate: float) -> None:
        self._url = f"http://127.0.0.1:{port}{PATH}"
        self._rate = rate
        self.sent = 0
        self.refused = 0

    async def run(self) -> None:
        """Until cancelled; what is on its way then is waited for."""
        started = time.monotonic()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            with suppress(asyncio.CancelledError):
                for number in count():
                    await asyncio.sleep(max(0.0, started + number / self._rate - time.monotonic()))
                    group.create_task(self._post(session, number))
                    self.sent = number + 1

    async def _post(self, session: aiohttp.ClientSession, number: int) -> None:
        headers = {"X-Auth-Kind": "client", "X-Gateway-Secret": SECRET, "X-User-Id": user_of(number)}
        body = {"tag": "promotions", "id": str(number)}
        try:
            async with session.post(self._url, json=body, headers=headers) as answer:
                self.refused += answer.status != OK
        except aiohttp.ClientError:
            self.refused += 1


def main() -> None:
    """Run what the command line asks for."""
    plan = _plan()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics are asked for until they are led
    with Screen(1) as screen:
        ran = uvloop.run(soak(plan, screen.say))
    write_page(ran)
    for one in ran.findings:
        print(
            f"{one.series.title:32} {one.trend.middle:12,.1f} {one.trend.per_hour:+12,.1f}/h  {one.verdict}"
        )
    print("rows that outlived their time:", ran.left, "posts refused:", ran.refused)
    sys.exit(0 if ran.right else 1)


async def soak(plan: Plan, say: Say) -> Ran:
    """One run."""
    with tempfile.TemporaryDirectory(prefix="carillon-soak-") as name:
        async with installed(Path(name) / "soak", say) as made:
            await _live_briefly(made, plan.life_s)
            await register(made, (user_of(number) for number in range(USERS)), say)
            config = engine_config(made.settings)
            feed = _feed(made, plan.rate)
            async with _started(made, plan) as (looks, posts):
                say(f"{plan.feed_s / 60:g} minutes at {plan.rate:,.0f} requests/s")
                async with steadily(feed), _running(posts):
                    await asyncio.sleep(plan.feed_s - (time.monotonic() - looks.began))
                say(f"{plan.quiet_s:.0f} s of a trickle")
                trickle = _feed(made, plan.rate * TRICKLE_SHARE, TRICKLE_FROM)
                async with steadily(trickle):
                    await asyncio.sleep(plan.quiet_s)
                ended_at = now_ms()
            left = rows_left(config, ended_at)
    told = (
        datetime.now(UTC).date().isoformat(),
        machine(),
        plan.rate,
        plan.post_rate,
        plan.feed_s,
        plan.life_s,
    )
    return Ran(*told, feed.sent, posts.sent, posts.refused, looks.taken, left)


@asynccontextmanager
async def _started(made: Product, plan: Plan) -> AsyncIterator[tuple[Looks, Posts]]:
    """Worker and HTTP run, and are looked at."""
    made.program = ("bench.brief", str(plan.life_s * 1000), str(plan.life_s * 1000))
    made.flags |= SMALL
    async with AsyncExitStack() as stack:
        worker = await made.worker("all")
        stack.push_async_callback(worker.watched.stop)
        http = await _edge(made).http()
        stack.push_async_callback(http.watched.stop)
        looks = Looks(made, engine_config(made.settings), worker, http, plan.every_s)
        await stack.enter_async_context(_running(looks))
        yield looks, Posts(made.settings.http.port, plan.post_rate)


@asynccontextmanager
async def _running(one: Looks | Posts) -> AsyncIterator[None]:
    """For the length of the block; what it raised is raised behind it."""
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _edge(made: Product) -> Product:
    """The same installation with another operations port: HTTP runs beside the worker."""
    port = made.settings.http.ops_port + 1
    flags = {**made.flags, "http.ops_port": str(port), "http.gateway_secret": SECRET}
    return replace(made, flags=flags, settings=load_settings(flags))


async def _live_briefly(made: Product, life_s: int) -> None:
    """Reference data and topics of the run: rows end after `life_s`, and are compacted away soon after."""
    folder = made.folder / "examples"
    shutil.copytree(EXAMPLES, folder)
    for name, fields in WINDOWS.items():
        entries = yaml.safe_load((folder / name).read_text())
        brief = [{**entry, **dict.fromkeys(fields, life_s)} for entry in entries]
        (folder / name).write_text(yaml.safe_dump(brief))
    await apply_directory(made.settings, folder)
    config = engine_config(made.settings)
    changelogs = [config.changelog(stage) for stage in stateful_stages()]
    kept = {"delete_retention_ms": str(life_s * 1000)}
    await asyncio.to_thread(made.stock.alter, changelogs, **BRISK, **kept)


def _feed(made: Product, rate: float, first: int = 0) -> Steady:
    """Requests at a rate, numbered from `first` on."""
    return Steady(
        made.stock.bootstrap,
        topics.SEND_REQUEST,
        rate,
        lambda number: sending(first + number, user_of(number)),
    )


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="See what grows.")
    parser.add_argument("--minutes", type=float, default=30.0, help="of feed (30)")
    parser.add_argument("--rate", type=float, help="requests/s; by default half of what the bench measured")
    parser.add_argument("--life", type=int, help="seconds that rows live; by default a tenth of the feed")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between samples (2)")
    options = parser.parse_args()
    feed_s = options.minutes * 60
    rate = options.rate or float(results.read()["pipeline"].rows[0]["rate"]) / 2
    return Plan(feed_s, rate, options.life or max(1, round(feed_s * LIFE_SHARE)), options.every)


if __name__ == "__main__":
    main()
