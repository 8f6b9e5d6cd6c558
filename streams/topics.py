"""Which topics the cluster needs, changelogs included, and making them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping

from connectors.kafka_admin import TopicSpec, topics_of
from schemas import topics as t
from schemas.catalogue import catalogue
from schemas.topics import Partitions
from streams.outside import engine_config
from streams.settings import Settings
from streams.stages import input_topics, stateful_stages

DEFAULT_DESTINATIONS = ("seen.promotions", "seen.analytics", "seen.wallet")
DAY_MS = 86_400_000
SAME = ("cleanup.policy", "message.timestamp.type")
AT_LEAST = ("retention.ms", "delete.retention.ms", "max.message.bytes", "min.insync.replicas")
FOR_EVER = "-1"


def wanted(settings: Settings, destinations: Iterable[str] = DEFAULT_DESTINATIONS) -> list[TopicSpec]:
    """Every topic as it should be."""
    kafka, config = settings.kafka, engine_config(settings)
    safe = {"min.insync.replicas": str(kafka.min_insync_replicas)}
    specs = []
    for topic in catalogue(destinations=destinations):
        count = 1 if topic.partitions is Partitions.ONE else kafka.partitions
        specs.append(TopicSpec(topic.name, count, kafka.replication, {**topic.configs, **safe}))
    changelog = {
        "cleanup.policy": "compact",
        "message.timestamp.type": "LogAppendTime",
        "delete.retention.ms": str(config.delete_retention_ms),
        "max.message.bytes": str(t.RECORD_BYTES),
        **safe,
    }
    single = {topic.name for topic in catalogue() if topic.partitions is Partitions.ONE}
    layout = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime", **safe}
    specs.append(TopicSpec(config.layout, 1, kafka.replication, layout))
    for stage in stateful_stages():
        count = 1 if single.issuperset(input_topics(stage)) else kafka.partitions
        specs.append(TopicSpec(config.changelog(stage), count, kafka.replication, changelog))
        specs.append(
            TopicSpec(
                config.dead_letters(stage), 1, kafka.replication, {**safe, "retention.ms": str(30 * DAY_MS)}
            )
        )
    return specs


async def create_topics(settings: Settings) -> list[str]:
    """Create what is missing; the names of the new ones."""
    async with topics_of(settings.kafka.brokers()) as topics:
        return await topics.create_missing(wanted(settings))


async def create_destinations(settings: Settings, names: Collection[str]) -> list[str]:
    """Create those of these topics of seen facts that are not there yet; the names of the new ones."""
    if not names:
        return []
    async with topics_of(settings.kafka.brokers()) as topics:
        return await topics.create_missing(spec for spec in wanted(settings, names) if spec.name in names)


def unsafe(spec: TopicSpec, found: Mapping[str, str]) -> dict[str, str]:
    """What a topic needs and does not have, by Kafka's names: it would lose what it keeps, or refuse it.

    Brokers that make topics by themselves make them so, and whoever changes one by hand. More is no harm.
    """
    return {name: value for name, value in spec.config.items() if _differs(name, value, found.get(name))}


def _differs(name: str, value: str, found: str | None) -> bool:
    """Whether a setting has not what it needs; one that the brokers do not tell has not."""
    if name not in {*SAME, *AT_LEAST}:
        return False
    if not found:
        return True
    if name in SAME:
        return _words(found) != _words(value)
    return found != FOR_EVER and (value == FOR_EVER or int(found) < int(value))


def mending(name: str, needs: Mapping[str, str]) -> str:
    """A line for Kafka's own tool that gives a topic what it needs; it keeps its records."""
    given = ",".join(f"{key}=[{value}]" if "," in value else f"{key}={value}" for key, value in needs.items())
    words = ["--alter", "--entity-type", "topics", "--entity-name", name, "--add-config", given]
    told = shlex.join(words)
    return f'kafka-configs --bootstrap-server "$BROKERS" --command-config admin.properties {told}'


def _words(value: str) -> set[str]:
    return set(value.split(","))
