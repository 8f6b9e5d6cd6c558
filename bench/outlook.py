"""From figures of one machine to a cluster: what each resource would need, and which is used up first.

Nothing here measures. Every line says from which measured figure it comes; all of them assume that costs grow
in proportion, and none knows what replication costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

SECOND_US = 1_000_000
Figures = Sequence[Mapping[str, str | float | bool]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of the job on one machine, at most so many partitions and dedup keys.

    `per_transaction`: requests in one, at a few requests a second and partition. Idle CPU is per task and
    second; it, memory and handles are differences between the fewest and the most partitions.
    """

    fewest: int
    most: int
    keys: int
    broker_us_per_transaction: float
    client_us_per_transaction: float
    per_transaction: float
    idle_broker_us: float
    idle_client_us: float
    memory_kib: float
    handles: float
    open_s: float
    restored_per_s: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is assumed. `stages`: those that own producers. `keys`: in all tables.

    `hops`: transactions on a request's way, those of intake, recipient, delivery (the call, and its result),
    status and statistics.
    """

    partitions: int = 1_000
    stages: int = 8
    hops: int = 6
    requests_per_s: int = 5_000
    keys: int = 100_000_000
    brokers: int = 3
    broker_cores: int = 8
    workers: int = 16
    worker_cores: int = 4
    worker_mib: int = 2_048
    handles: int = 65_536
    session_s: float = 10.0
    back_s: float = 15.0

    @property
    def tasks(self) -> int:
        """Each owns a producer."""
        return self.partitions * self.stages

    @property
    def moved(self) -> float:
        """Tasks of a lost worker that each of the others takes over."""
        return self.tasks / self.workers / (self.workers - 1)


@dataclass(frozen=True, slots=True)
class Limit:
    """One resource: what is needed, what there is (both in `unit`), and where the figure comes from."""

    name: str
    need: float
    have: float
    unit: str
    source: str

    @property
    def used(self) -> float:
        """The share that is used; beyond 1 it is broken."""
        return self.need / self.have


@dataclass(frozen=True, slots=True)
class Outlook:
    """The limits of one cluster, by what the measured figures say."""

    measured: Measured
    cluster: Cluster

    def limits(self) -> list[Limit]:
        """Every resource, the scarcest first."""
        return sorted((*self._running(), *self._idle(), *self._failing()), key=lambda one: -one.used)

    @property
    def transactions(self) -> float:
        """How many a second the brokers' CPU carries, if it does nothing else."""
        cores = self.cluster.brokers * self.cluster.broker_cores
        return cores * SECOND_US / self.measured.broker_us_per_transaction

    @property
    def pace_s(self) -> float:
        """How rarely each task may commit so that the brokers' CPU suffices when all are busy."""
        return self.cluster.tasks / self.transactions

    @property
    def workers_to_restore(self) -> int:
        """How many workers it takes so that the tables of one are back in time."""
        return ceil(self.cluster.keys / self.measured.restored_per_s / self.cluster.back_s)

    def _running(self) -> Sequence[Limit]:
        measured, cluster = self.measured, self.cluster
        needed = cluster.requests_per_s * cluster.hops / measured.per_transaction
        worker_us = cluster.workers * cluster.worker_cores * SECOND_US
        filled = f"{measured.per_transaction:.1f} requests in one"
        broker, client = _ms(measured.broker_us_per_transaction), _ms(measured.client_us_per_transaction)
        where = f"at {measured.most} partitions and a slow pace"
        in_workers = worker_us / measured.client_us_per_transaction
        return (
            Limit(
                "transactions, brokers' CPU",
                needed,
                self.transactions,
                "/s",
                f"{filled}, {broker} of broker each, {where}",
            ),
            Limit(
                "transactions, workers' CPU",
                needed,
                in_workers,
                "/s",
                f"{filled}, {client} of worker each, {where}",
            ),
        )

    def _idle(self) -> Sequence[Limit]:
        measured, cluster = self.measured, self.cluster
        slope = f"idle, {measured.most} partitions less {measured.fewest}"
        each = cluster.tasks / cluster.workers
        brokers, workers = cluster.brokers * cluster.broker_cores, cluster.workers * cluster.worker_cores
        broker, client = measured.idle_broker_us, measured.idle_client_us
        return (
            Limit(
                "idle producers, brokers' CPU",
                cluster.tasks * broker / SECOND_US,
                brokers,
                "cores",
                f"{broker:,.0f} µs/s a task, {slope}",
            ),
            Limit(
                "idle tasks, workers' CPU",
                cluster.tasks * client / SECOND_US,
                workers,
                "cores",
                f"{client:,.0f} µs/s a task, {slope}",
            ),
            Limit(
                "memory of a worker",
                each * measured.memory_kib / 1024,
                cluster.worker_mib,
                "MiB",
                f"{measured.memory_kib:,.0f} KiB a task, {slope}",
            ),
            Limit(
                "open handles of a worker",
                each * measured.handles,
                cluster.handles,
                "",
                f"{measured.handles:.1f} a task, {slope}",
            ),
        )

    def _failing(self) -> Sequence[Limit]:
        measured, cluster = self.measured, self.cluster
        opening = f"{measured.open_s * 1000:,.0f} ms to open each, {measured.most} tasks with their disk"
        return (
            Limit(
                "restore of a lost disk",
                cluster.keys / cluster.workers / measured.restored_per_s,
                cluster.back_s,
                "s",
                f"{measured.restored_per_s:,.0f} records/s at {measured.keys:,} keys",
            ),
            Limit(
                "rebalance after a lost worker",
                cluster.session_s + cluster.moved * measured.open_s,
                cluster.back_s,
                "s",
                f"a session of {cluster.session_s:g} s (setting), {cluster.moved:.0f} tasks, {opening}",
            ),
        )


def measured_of(by_partitions: Figures, by_keys: Figures) -> Measured:
    """The figures that count, out of the measured rows."""
    few, *_, many = sorted(by_partitions, key=lambda row: float(row["partitions"]))
    largest = max(by_keys, key=lambda row: float(row["keys"]))
    more = float(many["partitions"]) - float(few["partitions"])

    def each(figure: str) -> float:
        """What one more partition takes; noise may be below nothing."""
        return max(float(many[figure]) - float(few[figure]), 0.0) / more

    return Measured(
        fewest=int(few["partitions"]),
        most=int(many["partitions"]),
        keys=int(largest["keys"]),
        broker_us_per_transaction=float(many["transaction_broker_us"]),
        client_us_per_transaction=float(many["transaction_us"]),
        per_transaction=float(many["per_transaction"]),
        idle_broker_us=each("idle_broker_us"),
        idle_client_us=each("idle_us"),
        memory_kib=each("rss_mib") * 1024,
        handles=each("handles"),
        open_s=float(many["open_s"]) / float(many["partitions"]),
        restored_per_s=float(largest["restore_rate"]),
    )


def _ms(amount_us: float) -> str:
    return f"{amount_us / 1000:.2f} ms"
