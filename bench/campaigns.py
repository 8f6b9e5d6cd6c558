"""The read of campaigns, from a copy of the tables and (a prototype) from their owner.

    python -m bench.campaigns                          100 000 users, 2 000 questions a second of three ids
    python -m bench.campaigns --users 1000000 --owner  a million; the prototype, too

Everything runs on this machine over the loopback interface, and ends with the bench. A line of JSON a figure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import uvloop

from bench.campaigns_publishing import Publisher
from bench.product import Product, Worker, cpu_s, free_ports, installed
from bench.seen import WORD
from bench.watch import Watched, python
from streams.settings import load_settings

KEY = "ck_live_bench"
KEYS = [KEY, *(f"{KEY}{number}" for number in range(19))]
"""As many as the publisher needs to ask for the status a hundred times a second."""
UPLOAD = 100_000
WAIT_S = 240.0
SLACK_S = 40.0


def tell(what: str, **figures: Any) -> None:
    """One finding."""
    told = {name: round(value, 2) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps({"what": what, **told}), flush=True)


async def load(folder: Path, port: int, pid: int, given: argparse.Namespace, what: str) -> None:
    """Questions on a schedule, and what they cost the process that answers."""
    seconds, warm = given.seconds, 2.0
    arguments = (f"--port={port}", f"--secret={KEY}", f"--users={given.users}", f"--rate={given.rate}")
    argv = python("bench.engines.reading", [*arguments, f"--seconds={seconds}", f"--warm={warm}"])
    before = cpu_s(pid) if psutil.pid_exists(pid) else None
    client = await Watched.start(argv, folder / what.replace(" ", "-"))
    try:
        await client.until(lambda: client.said(WORD), seconds + SLACK_S, "the questions were not answered")
    finally:
        await client.stop()
    told = json.loads("{" + client.log.read_text().partition(WORD)[2].splitlines()[0])
    names = ("rate", "p50_ms", "p95_ms", "p99_ms", "p99.9_ms", "p100_ms", "late_ms", "unanswered", "refused")
    spent = (
        {}
        if before is None or not psutil.pid_exists(pid)
        else {"cpu_us": (cpu_s(pid) - before) * 1e6 / (given.rate * (seconds + warm))}
    )
    tell(what, **{name: told[name] for name in names if name in told}, **spent)


async def phases(
    made: Product, given: argparse.Namespace, publisher: Publisher, subject: tuple[str, int, int]
) -> None:
    """At rest, and while another campaign is published to the same users."""
    name, port, pid = subject
    await load(made.folder, port, pid, given, f"{name}, at rest")
    publishing = asyncio.create_task(publisher.publish(f"more-{name[:4]}", 0, min(given.users, UPLOAD)))
    await load(made.folder, port, pid, given, f"{name}, publishing")
    done = await publishing
    tell(f"{name}, publishing ended", labelled_s=done.labelled_s, shown_after_done_ms=done.shown_ms)


async def struck(
    made: Product,
    given: argparse.Namespace,
    subject: tuple[str, int, int],
    strike: Callable[[], Awaitable[None]],
) -> None:
    """The owner of the tables is killed two seconds into the load and started again at once."""
    name, port, pid = subject
    longer = argparse.Namespace(**{**vars(given), "seconds": max(given.seconds, 20.0)})
    loading = asyncio.create_task(load(made.folder, port, pid, longer, f"{name}, owner killed"))
    await asyncio.sleep(4.0)
    await strike()
    await loading


async def until_answered(port: int, limit_s: float = WAIT_S) -> float:
    """Seconds until a question is answered."""
    began = time.monotonic()
    url = f"http://127.0.0.1:{port}/inapp-communications/v1/campaigns"
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while time.monotonic() - began < limit_s:
            try:
                async with session.get(url, params={"id_type": "phone_id", "id": "0"}) as answer:
                    if answer.status == 200:
                        return time.monotonic() - began
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)
    raise TimeoutError


async def copy_way(made: Product, given: argparse.Namespace, publisher: Publisher, http: Worker) -> Worker:
    """What the product does; the HTTP process that runs in the end."""
    port = made.settings.http.port
    subject = ("copy", port, http.watched.process.pid)
    rss = psutil.Process(subject[2]).memory_info().rss
    folder = next(Path(made.settings.data_dir).rglob("members-copy"))
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    tell("copy, size", users=given.users, rss_mib=rss >> 20, disk_mib=disk >> 20)
    await phases(made, given, publisher, subject)
    for kept in (True, False):
        http.watched.kill()
        await http.watched.stop()
        if not kept:
            shutil.rmtree(folder)
        began = time.monotonic()
        http = await made.http()
        ready_s = time.monotonic() - began
        await until_answered(port)
        answered_s = time.monotonic() - began
        tell("copy, restart", store="kept" if kept else "lost", seen_ready_s=ready_s, answered_s=answered_s)
    return http


async def run(given: argparse.Namespace) -> None:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="carillon-campaigns-") as name:
        async with installed(Path(name) / "campaigns", print) as made:
            made.flags["http.api_keys"] = ",".join(
                f"bench{number}:{sha256(key.encode()).hexdigest()}:audience+campaigns"
                for number, key in enumerate(KEYS)
            )
            ports = free_ports()
            flags = {**made.flags, "http.port": str(next(ports)), "http.ops_port": str(next(ports))}
            front = replace(made, flags=flags, settings=load_settings(flags))
            worker = await made.worker("audience,members,seen")
            http = await front.http()
            publisher = Publisher(front.settings.http.port, KEYS)
            for first in range(0, given.users, UPLOAD):
                done = await publisher.publish(f"c{first}", first, min(UPLOAD, given.users - first))
                tell("published", first=first, labelled_s=done.labelled_s, shown_after_done_ms=done.shown_ms)
            http = await copy_way(front, given, publisher, http)

            async def again() -> None:
                nonlocal worker
                worker.watched.kill()
                await worker.watched.stop()
                worker = await made.worker("audience,members,seen")

            pid = http.watched.process.pid
            await struck(front, given, ("copy", front.settings.http.port, pid), again)
            if given.owner:
                await worker.watched.stop()
                await owner_way(made, given, publisher, next(ports))
            await http.watched.stop()


async def owner_way(made: Product, given: argparse.Namespace, publisher: Publisher, port: int) -> None:
    """The prototype has all tasks of the members; the decisions are made beside it."""
    flags = made.flags
    other = await made.worker("audience,seen")
    environment = [f"CARILLON_{name.upper().replace('.', '__')}={value}" for name, value in flags.items()]
    argv = [*environment, *python("bench.engines.owning", [str(port)])]

    async def started(number: int) -> Watched:
        process = await Watched.start(argv, made.folder / f"owning-{number}")
        await process.until(lambda: process.said("OWNING"), WAIT_S, "the owner did not start")
        return process

    owner = await started(0)
    await until_answered(port)
    await phases(made, given, publisher, ("owner", port, owner.process.pid))
    owner.kill()
    await owner.stop()
    began = time.monotonic()
    owner = await started(1)
    await until_answered(port)
    tell("owner, killed and started", answered_s=time.monotonic() - began)
    await owner.stop()
    await other.watched.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.campaigns", description="The read of campaigns.")
    parser.add_argument("--users", type=int, default=UPLOAD)
    parser.add_argument("--rate", type=float, default=2_000.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--owner", action="store_true", help="the prototype, too")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics are asked for until they are led
    uvloop.run(run(parser.parse_args()))
