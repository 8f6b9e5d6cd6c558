"""Spreads task numbers over the workers of a stage (design rule 2).

A task is one partition number over all inputs, so all partitions of one number go to one worker. The choice
is a pure function of task numbers and worker names: a worker that comes back under its name gets its tasks,
and its stores, back.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING

from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiokafka.cluster import ClusterMetadata


def spread(tasks: int, workers: list[str]) -> dict[str, list[int]]:
    """Give `tasks` numbers to `workers`, evenly to within one, each task to the free worker it likes best.

    A task's liking is a hash of its number and the worker's name, so adding or losing a worker moves few
    tasks.
    """
    if not workers:
        return {}
    share, extra = divmod(tasks, len(workers))
    given: dict[str, list[int]] = {worker: [] for worker in workers}
    full = 0
    for task in range(tasks):
        ranked = sorted(workers, key=lambda worker: _liking(task, worker))
        for worker in ranked:
            room = share + (1 if full < extra else 0)
            if len(given[worker]) < room:
                given[worker].append(task)
                full += len(given[worker]) == share + 1
                break
    return given


def _liking(task: int, worker: str) -> bytes:
    return blake2b(f"{task}/{worker}".encode(), digest_size=8).digest()


def assignor_for(worker: str) -> type[AbstractPartitionAssignor]:
    """An assignor class that tells the group this worker's name (aiokafka calls class methods only)."""

    class TaskAssignor(_TaskAssignor):
        worker_name = worker

    return TaskAssignor


class _TaskAssignor(AbstractPartitionAssignor):
    """Protocol `tasks`: name in the user data, topics that not every member subscribes left out."""

    name = "tasks"  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] # as all of aiokafka's own
    version = 0
    worker_name = ""

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Spread the task numbers over the members by their names."""
        shared = set.intersection(*(set(m.subscription) for m in members.values()))
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in shared}
        names: dict[str, str] = {}
        for member in sorted(members):
            name = bytes(members[member].user_data or b"").decode() or member
            names[member if name in names else name] = member
        of_member = {member: name for name, member in names.items()}
        tasks = spread(max(counts.values(), default=0), sorted(of_member.values()))
        result = {}
        for member in members:
            by_topic: dict[str, list[int]] = defaultdict(list)
            for task in tasks[of_member[member]]:
                for topic, count in counts.items():
                    if task < count:
                        by_topic[topic].append(task)
            result[member] = ConsumerProtocolMemberAssignment(cls.version, sorted(by_topic.items()), b"")
        return result

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What this member tells the group."""
        return ConsumerProtocolMemberMetadata(cls.version, sorted(topics), cls.worker_name.encode())

    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing to remember: the spread has no state."""
