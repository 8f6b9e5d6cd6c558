"""Every topic has somebody who reads it: a stage of ours, or others because it is public."""

from __future__ import annotations

import pytest

from schemas.catalogue import catalogue
from schemas.topics import SEND_REQUEST, Topic, Use
from streams.stages import chosen, input_topics, stage_names, stateful_stages
from streams.topics import DEFAULT_DESTINATIONS

TOPICS = catalogue(destinations=DEFAULT_DESTINATIONS)
INPUTS = [(topic, stage) for stage in stage_names() for topic in input_topics(stage)]
CONSUMED = {topic: [stage for of, stage in INPUTS if of == topic] for topic, _ in INPUTS}


def readers(topic: Topic) -> list[str]:
    """The readers that are stages; the catalogue also names people and other services."""
    return [reader for reader in topic.readers if reader in stage_names()]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_is_read_by_a_stage_or_is_for_others(topic: Topic) -> None:
    assert topic.is_consumed == (topic.name in CONSUMED)


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS if topic.is_consumed], ids=lambda topic: topic.name
)
def test_the_catalogue_names_the_stage_that_reads_it(topic: Topic) -> None:
    assert CONSUMED[topic.name] == readers(topic)


def test_no_stage_reads_a_topic_that_the_catalogue_does_not_know() -> None:
    assert set() == set(CONSUMED) - {topic.name for topic in TOPICS}


def test_a_topic_is_the_input_of_one_stage_only_but_where_the_high_ones_overtake_the_others() -> None:
    shared = {topic: stages for topic, stages in CONSUMED.items() if len(stages) > 1}
    assert {SEND_REQUEST: ["intake", "intake-high"]} == shared


def test_a_name_stands_for_all_stages_that_begin_with_it() -> None:
    """Half of the intake would leave requests lying. Mutation tried: the name itself only: fails."""
    assert ("intake", "intake-high", "recipient") == chosen(["intake", "recipient"])
    assert ("delivery-sms", "delivery-email", "delivery-push") == chosen(["delivery-sms", "delivery"])
    with pytest.raises(LookupError, match="deliver"):
        chosen(["stats", "deliver"])


def test_every_consumed_topic_has_its_dead_letters_and_no_other_has() -> None:
    letters = {topic.name for topic in TOPICS if topic.use is Use.DEAD_LETTERS}
    assert {f"{topic}.dlq" for topic in CONSUMED} == letters


def test_stages_with_state_are_stages() -> None:
    assert set(stateful_stages()) <= set(stage_names())


def test_names_of_stages_and_their_inputs_are_frozen() -> None:
    """Groups, transactional ids and changelogs are made of them: a renamed stage would begin anew."""
    assert (
        "intake",
        "intake-high",
        "recipient",
        "quarantine",
        "delivery-email",
        "delivery-sms",
        "delivery-push",
        "mailbox",
        "rates",
        "spending",
        "status",
        "stats",
        "seen",
        "audience",
        "members",
        "sink",
    ) == stage_names()
