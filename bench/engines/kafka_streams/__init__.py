"""The job on Kafka Streams (Java, exactly_once_v2), compiled and run on the embedded runtime."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.job import Order
from connectors.embedded import jars
from connectors.embedded.kafka import VERSION

SOURCE = Path(__file__).with_name("Job.java")
JARS = jars.JarSet(
    f"kafka-streams-{VERSION}",
    (
        f"org.apache.kafka:kafka-streams:{VERSION}",
        f"org.apache.kafka:kafka-clients:{VERSION}",  # unnamed, an older one is resolved
        "com.fasterxml.jackson.core:jackson-databind:2.19.1",
        "org.slf4j:slf4j-nop:2.0.17",
        "org.eclipse.jdt:ecj:3.43.0",  # the embedded runtime has no compiler; this one is a jar
    ),
)
COMPILER = "org.eclipse.jdt.internal.compiler.batch.Main"
HEAP_MIB = 1024


async def compiled(folder: Path, say: Callable[[str], None]) -> str:
    """The class path with which `command` runs; the job's classes are put into `folder`."""
    libraries = await jars.class_path(JARS, say=say)
    compiler = [jars.java(), "-cp", libraries, COMPILER, "-source", "17", "-target", "17"]
    await asyncio.to_thread(
        subprocess.run, [*compiler, "-cp", libraries, "-d", str(folder), str(SOURCE)], check=True
    )
    return f"{folder}:{libraries}"


def command(class_path: str, order: Order, threads: int = 1) -> list[str]:
    """The command that does the job until it is stopped."""
    settings = {
        "bootstrap": order.bootstrap,
        "app": order.app,
        "source": order.source,
        "outputs": ",".join(order.outputs.values()),
        "data": order.data,
        "hop": str(order.hop).lower(),
        "interval": order.interval_ms or 100,
        "threads": threads,
    }
    options = [f"-Xmx{HEAP_MIB}m", "--enable-native-access=ALL-UNNAMED"]
    return [
        jars.java(),
        *options,
        *(f"-D{name}={value}" for name, value in settings.items()),
        "-cp",
        class_path,
        "Job",
    ]
