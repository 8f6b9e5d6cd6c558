"""A million users labelled and asked for: how fast, what it takes, what a restart and another owner do to it.

    python -m bench.campaigns                          100 000 users, 2 000 questions a second of three ids
    python -m bench.campaigns --users 1000000 --owner  a million; the prototype that asks the owner, too

Everything runs on this machine over the loopback interface, and ends with the bench. A line of JSON a figure.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import tempfile
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import aiohttp
import psutil
import uvloop

from bench.campaigns_load import KEY, Subject, load
from bench.campaigns_publishing import Publisher
from bench.campaigns_struck import FEW, Through, second_worker
from bench.findings import tell
from bench.product import Product, Worker, cpu_s, free_ports, installed
from bench.watch import Watched, python
from streams.settings import load_settings

KEYS = [KEY, *(f"{KEY}{number}" for number in range(19))]
"""As many as the publisher needs to ask for the status a hundred times a second."""
UPLOAD = 100_000
WAIT_S = 240.0
AT_REST = 3
STAGES = "audience,members,seen"


async def labelled(made: Product, given: argparse.Namespace, publisher: Publisher, worker: Worker) -> None:
    """Everybody, in calls of `UPLOAD` users one after the other; what that takes the worker."""
    process = psutil.Process(worker.watched.process.pid)
    before, seconds, most = cpu_s(process.pid), 0.0, 0
    for first in range(0, given.users, UPLOAD):
        done = await publisher.publish(f"c{first}", first, min(UPLOAD, given.users - first))
        seconds += done.labelled_s
        most = max(most, process.memory_info().rss)
        tell("published", first=first, labelled_s=done.labelled_s, shown_after_done_ms=done.shown_ms)
    tell(
        "labelled",
        users=given.users,
        users_s=given.users / seconds,
        worker_cpu_us=(cpu_s(process.pid) - before) * 1e6 / given.users,
        worker_rss_mib=most >> 20,
        disk_mib=size_of(folder_of(made, "members")) >> 20,
    )


async def restored(made: Product, publisher: Publisher, worker: Worker) -> Worker:
    """The worker leaves and comes back, with its store and without; then a few are labelled."""
    for is_kept in (True, False):
        await worker.watched.stop()
        if not is_kept:
            shutil.rmtree(folder_of(made, "members"))
        began = time.monotonic()
        worker = await made.worker(STAGES)
        ready_s = time.monotonic() - began
        done = await publisher.publish(f"restored-{is_kept}", 0, FEW)
        told = "kept" if is_kept else "lost"
        tell("worker, restart", store=told, seen_ready_s=ready_s, then_labelled_s=done.labelled_s)
    return worker


def folder_of(made: Product, name: str) -> Path:
    """The stores of a stage, or the copy of one."""
    return next(path for path in Path(made.settings.data_dir).rglob(name) if path.is_dir())


def size_of(folder: Path) -> int:
    """Bytes on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def phases(made: Product, given: argparse.Namespace, publisher: Publisher, subject: Subject) -> None:
    """At rest, the first time right after all were labelled; while more is published to the same users."""
    name = subject.name
    for number in range(AT_REST):
        await load(made.folder, subject, given, f"{name}, at rest, {number + 1}")
    publishing = asyncio.create_task(publisher.publish(f"more-{name[:4]}", 0, min(given.users, UPLOAD)))
    await load(made.folder, subject, given, f"{name}, publishing")
    done = await publishing
    tell(f"{name}, publishing ended", labelled_s=done.labelled_s, shown_after_done_ms=done.shown_ms)


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
    subject = Subject("copy", port, http.watched.process.pid)
    rss = psutil.Process(subject.pid).memory_info().rss
    folder = folder_of(made, "members-copy")
    tell("copy, size", users=given.users, rss_mib=rss >> 20, disk_mib=size_of(folder) >> 20)
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
            worker = await made.worker(STAGES)
            http = await front.http()
            publisher = Publisher(front.settings.http.port, KEYS)
            await labelled(made, given, publisher, worker)
            http = await copy_way(front, given, publisher, http)
            worker = await restored(made, publisher, worker)

            async def again() -> None:
                nonlocal worker
                worker.watched.kill()
                await worker.watched.stop()
                worker = await made.worker(STAGES)

            answering = Subject("copy", front.settings.http.port, http.watched.process.pid)
            through = Through(front, given, answering, publisher)
            await through.go("the owner is killed and started again", again)
            await second_worker(made, through)
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
    await phases(made, given, publisher, Subject("owner", port, owner.process.pid))
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
