"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import psutil

from connectors.embedded.kafka import VERSION

LIBRARIES = ("aiokafka", "rocksdict", "faust-streaming", "quixstreams")
ADDITIONS, TRIES = 1_000_000, 3


def machine() -> dict[str, str]:
    """Cores, their speed now, memory and versions; nothing that names the machine."""
    return {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "at": f"{speed():.0f} M additions/s",
        "memory": f"{psutil.virtual_memory().total / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Kafka": VERSION,
        **dict(_versions()),
    }


def _versions() -> Iterator[tuple[str, str]]:
    """Of the libraries that are installed: a run of its own needs no engine to compare with."""
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def speed() -> float:
    """Millions of additions that Python does in a second on one core; machines differ, and so do days."""
    return max(_additions_per_second() for _ in range(TRIES)) / 1e6


def _additions_per_second() -> float:
    began, total = time.perf_counter(), 0
    for number in range(ADDITIONS):
        total += number
    return ADDITIONS / (time.perf_counter() - began)
