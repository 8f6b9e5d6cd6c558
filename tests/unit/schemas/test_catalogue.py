"""The list of topics holds together."""

from __future__ import annotations

import pytest

from schemas.audience_topics import LABEL_STATS_KEPT_MS
from schemas.catalogue import catalogue
from schemas.topics import (
    DAY_MS,
    DEAD_LETTER_ROOM,
    EVENT_TOPICS,
    RECORD_BYTES,
    SEEN,
    SEEN_FAILED,
    SEEN_UNKNOWN,
    Form,
    Partitions,
    Use,
    channel_topic,
    dead_letter_topic,
    request_topic,
)

CHANNELS = ("email", "sms", "push", "in_app")
TOPICS = {topic.name: topic for topic in catalogue(destinations=["seen.wallet", "seen.wallet"])}


def test_every_name_stands_once() -> None:
    assert len(TOPICS) == len(catalogue(destinations=["seen.wallet", "seen.wallet"]))


def test_the_internal_topics_are_those_of_the_flow() -> None:
    lanes = ("high", "normal", "low")
    expected = {
        *(f"request.{lane}" for lane in lanes),
        "request.cancels",
        "request.quarantine",
        "flows.counts",
        *(f"channel.{channel}.{lane}" for channel in CHANNELS for lane in lanes),
        "audience.commands",
        "audience.progress",
        "audience.users",
        *(f"vetoes.{channel}" for channel in CHANNELS),
        "facts.contacts",
        "facts.devices",
        "facts.labels",
        "facts.mailbox",
        "facts.preferences",
        "facts.seen",
        "outcomes",
        "provider.receipts",
        "rates.demands",
        "spending.costs",
        "rows",
        "stats.partials",
    }
    assert expected == {topic.name for topic in TOPICS.values() if topic.use is Use.INTERNAL}
    assert {request_topic("low"), channel_topic("sms", "high")} <= expected


def test_internal_topics_take_the_brokers_time_and_the_tasks_count() -> None:
    """But for what the one task that decides on labels reads, and the one that judges rates."""
    internal = [topic for topic in TOPICS.values() if topic.use is Use.INTERNAL]
    assert {("LogAppendTime", Form.AVRO)} == {
        (topic.configs.get("message.timestamp.type"), topic.form) for topic in internal
    }
    decided = {"audience.commands", "audience.progress", "audience.users"}
    decided |= {"flows.counts", "request.quarantine"}
    assert decided == {topic.name for topic in internal if topic.partitions is Partitions.ONE}
    assert {Partitions.TASK, Partitions.ONE} == {topic.partitions for topic in internal}


@pytest.mark.spec("NS-EVT-001 NS-EVT-005 NS-EVT-007 NS-EVT-OP-01")
def test_inputs_of_other_services_keep_their_own_partitions() -> None:
    inputs = {topic.name: topic.partitions for topic in TOPICS.values() if topic.use is Use.PUBLIC_IN}
    asked = ("notification.send.request", "notification.cancel.request", "notification.preferences")
    assert dict.fromkeys((*asked, *EVENT_TOPICS), Partitions.FOREIGN) == inputs


def test_what_is_consumed_has_a_dead_letter_topic_with_room_for_the_reason() -> None:
    for topic in list(TOPICS.values()):
        if topic.is_consumed:
            dead = TOPICS[dead_letter_topic(topic.name)]
            assert str(RECORD_BYTES + DEAD_LETTER_ROOM) == dead.configs["max.message.bytes"]
    assert dead_letter_topic("notification.events") not in TOPICS


@pytest.mark.spec("NS-EVT-OP-05")
def test_tables_in_topics_are_compacted_for_ever() -> None:
    compacted = {name for name, topic in TOPICS.items() if topic.configs.get("cleanup.policy") == "compact"}
    named = {
        "access.keys",
        "audience.labels",
        "campaigns.withdrawn",
        "flows.anomalies",
        "notification.stats",
        "reference",
        "carillon.schemas",
    }
    assert named == compacted
    assert not any("retention.ms" in TOPICS[name].configs for name in compacted)


def test_statistics_of_labels_are_compacted_and_end_for_there_are_ever_new_labels() -> None:
    configs = TOPICS["audience.stats"].configs
    assert "compact,delete" == configs["cleanup.policy"]
    assert str(LABEL_STATS_KEPT_MS) == configs["retention.ms"]


@pytest.mark.spec("NS-EVT-007 NS-EVT-OP-01")
def test_seen_destinations_and_event_topics_are_configuration() -> None:
    assert "seen.wallet" in TOPICS
    assert "ride.events" in {topic.name for topic in catalogue(events=["ride.events"])}


@pytest.mark.spec("SEEN-OP-08 SEEN-OP-22")
def test_seen_facts_are_kept_for_a_time_and_those_of_unknown_tags_for_a_day() -> None:
    kept = {name: topic.retention_ms for name, topic in TOPICS.items() if name.startswith("seen.")}
    assert None not in {*kept.values(), TOPICS[SEEN].retention_ms}
    assert (DAY_MS, 30 * DAY_MS, 7 * DAY_MS) == (kept[SEEN_UNKNOWN], kept[SEEN_FAILED], kept["seen.wallet"])


def test_every_topic_says_what_it_is_for() -> None:
    for topic in TOPICS.values():
        assert topic.about.endswith("."), topic.name
        assert topic.writers, topic.name
        assert topic.readers, topic.name
