"""A real Kafka broker (KRaft, one node) on a folder of its own.

    async with EmbeddedKafka(Path(".carillon/kafka")) as kafka:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka.address)

The folder keeps the data and the ports: a later start finds both again. A broker that is stopped or killed
from outside by `kafka.pid` can be started again on the same object.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from connectors.embedded import jars
from connectors.embedded.process import Command, GuardedProcess, closing_fd, in_use, run_once, take_folder

VERSION: Final = "4.1.1"
JARS: Final = jars.JarSet(
    f"kafka-{VERSION}",
    (
        f"org.apache.kafka:kafka_2.13:{VERSION}",
        f"org.apache.kafka:kafka-clients:{VERSION}",  # unnamed, an older one is resolved
        "org.apache.logging.log4j:log4j-slf4j2-impl:2.25.2",
    ),
)
HOST: Final = "127.0.0.1"
PROPERTIES: Final[Mapping[str, object]] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "broker.session.timeout.ms": 3_000,  # after SIGKILL a new broker waits for the old one's session
    "broker.heartbeat.interval.ms": 500,
    "auto.create.topics.enable": "false",  # it would pick the broker's partition count, not the catalogue's
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1_000,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 500,
    "message.max.bytes": 4 * 1024 * 1024,
    "replica.fetch.max.bytes": 4 * 1024 * 1024,
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,  # 128 MiB would eat a quarter of the heap
    "num.io.threads": 4,
    "num.network.threads": 2,
}
LOGGING: Final = """\
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
"""


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """Ports (free ones are taken where none is given), heap, jar cache, and properties beside our own.

    `cluster_id`: brokers of one cluster share it; a new one is made where none is given. `lasting`: compiled
    for hours of load; else the Java machine stops at its first compiler, which halves the CPU of short runs.
    """

    port: int | None = None
    controller_port: int | None = None
    heap_mib: int = 512
    cluster_id: str = ""
    lasting: bool = False
    cache: Path = jars.DEFAULT_CACHE
    properties: Mapping[str, object] = field(default_factory=dict)
    say: Callable[[str], None] = print


class EmbeddedKafka:
    """The broker of one folder; `address` is its bootstrap address, known from the first start on."""

    def __init__(self, folder: Path, options: KafkaOptions | None = None) -> None:
        self._folder = folder.absolute()
        self._options = options or KafkaOptions()
        self._process: GuardedProcess | None = None
        self.address = ""

    @property
    def pid(self) -> int:
        """The broker's own process id, for tests that stop or kill it; 0 before the first start."""
        return self._process.pid if self._process else 0

    async def ended(self) -> int:
        """Wait until the broker has ended by itself; it must have been started. Its exit code."""
        assert self._process is not None
        return await self._process.ended()

    async def start(self) -> str:
        """Start the broker, wait until it answers a metadata request, and give its bootstrap address."""
        await self.stop()
        class_path = await jars.class_path(JARS, self._options.cache, self._options.say)
        with closing_fd(await take_folder(self._folder)) as fd:
            self.address = self._write_configuration()
            if not (self._folder / "data" / "meta.properties").exists():
                cluster = self._options.cluster_id or new_cluster_id()
                tool = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", self._properties_path)
                await run_once("Formatting Kafka's storage", self._java(class_path, *tool), fd)
            self._process = GuardedProcess(
                "Kafka", self._java(class_path, "kafka.Kafka", self._properties_path), fd
            )
        try:
            await self._process.wait_ready(self._answers)
        except BaseException:
            await self.stop()
            raise
        return self.address

    async def stop(self) -> None:
        """Stop the broker, orderly within 10 s, else by force; nothing happens when none runs."""
        if self._process is not None:
            await self._process.stop()
            self._process = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def _properties_path(self) -> str:
        return str(self._folder / "server.properties")

    def _write_configuration(self) -> str:
        broker, controller = choose_ports(self._folder / "ports.json", self._options)
        rows = {
            **PROPERTIES,
            "listeners": f"PLAINTEXT://{HOST}:{broker},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{broker}",
            "controller.quorum.voters": f"1@{HOST}:{controller}",
            "log.dirs": self._folder / "data",
            **self._options.properties,
        }
        text = "".join(f"{key}={value}\n" for key, value in rows.items())
        (self._folder / "server.properties").write_text(text)
        (self._folder / "log4j2.properties").write_text(LOGGING)
        return f"{HOST}:{broker}"

    def _java(self, class_path: str, *arguments: str) -> Command:
        heap = f"-Xmx{self._options.heap_mib}m"
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}"
        options = (heap, "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true", logging)
        light = () if self._options.lasting else ("-XX:TieredStopAtLevel=1",)
        command = (jars.java(), *options, *light, "-cp", class_path, *arguments)
        return Command(command, self._folder / "kafka.log")

    async def _answers(self) -> bool:
        return await answers(self.address)


def new_cluster_id() -> str:
    """A UUID as Kafka writes it; the first byte is zero, for a leading `-` would be read as an option."""
    return base64.urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")


async def answers(address: str) -> bool:
    """Whether a broker is there and counts itself among the living ones of its cluster's metadata."""
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False  # asked first because aiokafka logs each refused connection as an error
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        return bool(cluster["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()


def find(folder: Path) -> str | None:
    """The bootstrap address of a broker that some process runs on this folder now, else None."""
    if not in_use(folder):
        return None
    with suppress(FileNotFoundError):
        return f"{HOST}:{json.loads((folder / 'ports.json').read_text())['broker']}"
    return None


def choose_ports(memory: Path, options: KafkaOptions) -> tuple[int, int]:
    """Broker's and controller's port: given, else remembered if free, else any free ones; remembered."""
    kept = json.loads(memory.read_text()) if memory.exists() else {}
    broker = options.port or free_port(kept.get("broker", 0))
    controller = options.controller_port or free_port(kept.get("controller", 0), beside=broker)
    memory.write_text(json.dumps({"broker": broker, "controller": controller}))
    return broker, controller


def free_port(wanted: int, *, beside: int = 0) -> int:
    """`wanted` if nobody listens there and it is not `beside`, else a free port.

    Taken below the range that systems give to outgoing connections: within it, a client that retries while
    the broker is away sooner or later connects to itself and occupies the port.
    """
    port = wanted
    while port in (0, beside) or not bindable(port):
        port = 20_000 + secrets.randbelow(12_000)
    return port


def bindable(port: int) -> bool:
    """Whether nobody listens on this port of the machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what Kafka's own listener does
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
