"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import psutil

from connectors.embedded.kafka import VERSION

LIBRARIES = ("aiokafka", "rocksdict", "faust-streaming", "quixstreams")


def machine() -> dict[str, str]:
    """Cores, memory and versions; nothing that names the machine."""
    return {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Kafka": VERSION,
        **{name: version(name) for name in LIBRARIES},
    }
