"""Topics of a Kafka cluster: list, count partitions, create what is missing, grow, wait until served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from connectors.kafka_clients import Brokers

WAIT_S = 30.0
POLL_S = 0.05


class TopicError(RuntimeError):
    """A topic could not be created, or did not get a leader in time."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be; `config` holds Kafka's own topic settings by their names."""

    name: str
    partitions: int
    replication: int = 1
    config: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def topics_of(brokers: Brokers) -> AsyncIterator[Topics]:
    """The topics of a cluster, for the length of the block; KafkaConnectionError when it is away."""
    client = AIOKafkaAdminClient(**brokers)
    await client.start()
    try:
        yield Topics(client)
    finally:
        await client.close()


class Topics:
    """What can be asked of and done to the topics of one cluster."""

    def __init__(self, client: AIOKafkaAdminClient) -> None:
        self._client = client

    async def names(self) -> set[str]:
        """All topics, the cluster's own (`__consumer_offsets` and the like) left out."""
        return {row["topic"] for row in await self._client.describe_topics() if not row["is_internal"]}

    async def partition_counts(self, names: Collection[str]) -> dict[str, int]:
        """Partitions of each named topic; one that does not exist is not in the answer."""
        return {name: len(row["partitions"]) for name, row in (await self._rows()).items() if name in names}

    async def configs(self, names: Collection[str]) -> dict[str, dict[str, str]]:
        """Kafka's settings of each named topic, defaults of the cluster included. All must exist.

        `KafkaError` when the brokers refuse to tell.
        """
        asked_for = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        found: dict[str, dict[str, str]] = {}
        for answer in await self._client.describe_configs(asked_for):
            for code, message, _, name, entries in cast("Any", answer).resources:
                if code:
                    raise for_code(code)(message or name)
                found[name] = {entry[0]: entry[1] or "" for entry in entries}
        return found

    async def create_missing(self, specs: Iterable[TopicSpec]) -> list[str]:
        """Create the topics that do not exist, wait until all are served, and give the new names.

        One that somebody else creates meanwhile counts as existing. TopicError tells what was refused.
        """
        wanted = {spec.name: spec for spec in specs}
        present = await self._rows()
        missing = [spec for name, spec in wanted.items() if name not in present]
        refused: dict[str, str] = {}
        created: list[str] = []
        if missing:
            answer: Any = await self._client.create_topics([_as_request(spec) for spec in missing])
            for name, code, message in answer.topic_errors:
                if code == 0:
                    created.append(name)
                elif code != TopicAlreadyExistsError.errno:
                    refused[name] = message or for_code(code).__name__
        if refused:
            raise TopicError("; ".join(f"{name}: {reason}" for name, reason in sorted(refused.items())))
        await self.wait_served(wanted)
        return created

    async def grow(self, names: Iterable[str], partitions: int) -> None:
        """Give the named topics so many partitions, and wait until every broker tells so.

        Topics that have them are left alone. `TopicError` after 30 s, `KafkaError` when it is refused.
        """
        wanted = sorted(names)
        counts = await self.partition_counts(wanted)
        if growing := {name: NewPartitions(partitions) for name in wanted if counts[name] < partitions}:
            await self._client.create_partitions(growing)
        await self.wait_served(wanted)
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while await self._least(wanted) < partitions:
            if asyncio.get_running_loop().time() > deadline:
                raise TopicError(f"not every broker knows the new partitions within {WAIT_S:.0f} s")
            await asyncio.sleep(POLL_S)

    async def _least(self, names: list[str]) -> int:
        """The fewest partitions that any broker tells of any of these topics."""
        cluster = await self._client.describe_cluster()
        least = []
        for broker in cluster["brokers"]:
            request = MetadataRequest(names)
            answer: Any = await self._client._send_request(request, broker["node_id"])  # noqa: SLF001 - no public call asks one broker
            least += [len(topic["partitions"]) for topic in answer.to_object()["topics"]]
        return min(least)

    async def workers(self, group: str) -> set[str]:
        """Client names of the group's members; empty when nobody is in it."""
        (answer,) = await self._client.describe_consumer_groups([group])
        (found,) = answer.to_object()["groups"]
        if found["error_code"]:
            raise for_code(found["error_code"])(group)
        return {member["client_id"] for member in found["members"]}

    async def wait_served(self, names: Collection[str]) -> None:
        """Wait until each partition of the named topics has a leader; TopicError after 30 s."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while unserved := set(names) - _served(await self._rows()):
            if asyncio.get_running_loop().time() > deadline:
                raise TopicError(f"no leader within {WAIT_S:.0f} s: {', '.join(sorted(unserved))}")
            await asyncio.sleep(POLL_S)

    async def _rows(self) -> dict[str, dict[str, Any]]:
        # The whole cluster is asked: a topic by its name would be answered with an error row if it is new.
        return {row["topic"]: row for row in await self._client.describe_topics() if row["error_code"] == 0}


def _as_request(spec: TopicSpec) -> NewTopic:
    return NewTopic(spec.name, spec.partitions, spec.replication, topic_configs=dict(spec.config))


def _served(rows: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {name for name, row in rows.items() if all(part["leader"] >= 0 for part in row["partitions"])}
