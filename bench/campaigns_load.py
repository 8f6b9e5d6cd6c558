"""Questions at a fixed rate to the process that answers, and what they cost it; figures as lines of JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.findings import tell
from bench.product import cpu_s
from bench.seen import WORD
from bench.watch import Watched, python

KEY = "ck_live_bench"
SLACK_S = 40.0


class Subject(NamedTuple):
    """The process that answers."""

    name: str
    port: int
    pid: int


async def load(folder: Path, subject: Subject, given: argparse.Namespace, what: str) -> None:
    """Questions on a schedule, and what they cost the process that answers."""
    port, pid = subject.port, subject.pid
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
