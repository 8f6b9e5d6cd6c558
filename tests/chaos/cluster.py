"""Three real Kafka brokers in KRaft on one machine: replication 3, two of them in sync for every write."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiokafka.admin import AIOKafkaAdminClient

from connectors.embedded.kafka import HOST, EmbeddedKafka, KafkaOptions, free_port, new_cluster_id
from tests.chaos.gate import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

BROKERS: Final = 3
REPLICATED: Final[Mapping[str, object]] = {
    "default.replication.factor": BROKERS,
    "min.insync.replicas": 2,
    "unclean.leader.election.enable": "false",
    "offsets.topic.replication.factor": BROKERS,
    "transaction.state.log.replication.factor": BROKERS,
    "transaction.state.log.min.isr": 2,
    "share.coordinator.state.topic.replication.factor": BROKERS,
    "share.coordinator.state.topic.min.isr": 2,
    "leader.imbalance.check.interval.seconds": 5,  # a broker that came back leads again before the next blow
    "replica.fetch.min.bytes": 1 << 20,
    "replica.fetch.wait.max.ms": 50,  # of 200 partitions each: one for every record took all of two cores
    "log.cleaner.backoff.ms": 15_000,  # tombstones are to vanish within the run
    "log.cleaner.dedupe.buffer.size": 2 << 20,  # cleared for each log: 16 MiB took a third of a broker's time
}
TRANSACTIONS: Final = 1
"""Kind of coordinator in Kafka's FindCoordinator request."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Of one broker. `gate` is advertised to those who come through the gate, and leads to `gated`."""

    plain: int
    control: int
    gated: int
    gate: int

    def listeners(self) -> dict[str, object]:
        """Broker properties: whoever comes by a listener is told addresses of that listener."""
        plain, control = f"PLAINTEXT://{HOST}:{self.plain}", f"CONTROLLER://{HOST}:{self.control}"
        return {
            "listeners": f"{plain},GATED://{HOST}:{self.gated},{control}",
            "advertised.listeners": f"{plain},GATED://{HOST}:{self.gate}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,GATED:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
        }


class Cluster:
    """Brokers 1 to 3, each a process with a folder of its own, and a gate before each.

    `address` leads to the brokers, `gated_address` to the same ones through the gates.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; ports are chosen once, so that a broker comes back where it was."""
        taken: set[int] = set()
        ports = [Ports(*(_port(taken) for _ in range(4))) for _ in range(BROKERS)]
        voters = ",".join(f"{node}@{HOST}:{each.control}" for node, each in enumerate(ports, 1))
        cluster_id = new_cluster_id()
        self.brokers = {
            node: EmbeddedKafka(
                folder / f"broker-{node}",
                KafkaOptions(
                    port=each.plain,
                    controller_port=each.control,
                    heap_mib=384,
                    cluster_id=cluster_id,
                    properties={
                        **REPLICATED,
                        **each.listeners(),
                        "node.id": node,
                        "controller.quorum.voters": voters,
                    },
                ),
            )
            for node, each in enumerate(ports, 1)
        }
        self.ports = {node: each.plain for node, each in enumerate(ports, 1)}
        self.gates = {node: Gate(each.gate, each.gated) for node, each in enumerate(ports, 1)}
        self.address = ",".join(f"{HOST}:{each.plain}" for each in ports)
        self.gated_address = ",".join(f"{HOST}:{each.gate}" for each in ports)

    async def start(self) -> None:
        """All at once: none is ready before two of them are."""
        for gate in self.gates.values():
            await gate.open()
        async with asyncio.TaskGroup() as group:
            for broker in self.brokers.values():
                group.create_task(broker.start())

    async def stop(self) -> None:
        """All at once, in order where they still run."""
        for gate in self.gates.values():
            await gate.close()
        async with asyncio.TaskGroup() as group:
            for broker in self.brokers.values():
                group.create_task(broker.stop())

    async def kill(self, node: int) -> None:
        """SIGKILL one broker, and wait for its end."""
        os.kill(self.brokers[node].pid, signal.SIGKILL)
        await self.brokers[node].stop()

    async def restart(self, node: int) -> None:
        """Start a broker that was killed; it is ready when this returns."""
        await self.brokers[node].start()

    async def transaction_coordinator(self, transactional_id: str) -> int:
        """Which broker keeps the transactions of this id now."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        try:
            return int(await admin.find_coordinator(transactional_id, TRANSACTIONS))
        finally:
            await admin.close()


def _port(taken: set[int]) -> int:
    while (port := free_port(0)) in taken:
        continue
    taken.add(port)
    return port


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    """A started cluster for the length of the block."""
    made = Cluster(folder)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
