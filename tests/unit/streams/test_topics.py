"""Topics that would lose what they keep are told with what to do; more than is needed is no harm."""

from __future__ import annotations

import shlex

import pytest

from connectors.cipher import Cipher
from connectors.kafka_admin import TopicSpec
from schemas import topics as t
from streams.settings import load_settings
from streams.topics import mending, unsafe, wanted

pytestmark = pytest.mark.spec("NS-OPS-OP-10")
KEPT = TopicSpec(
    "kept", 1, 1, {"cleanup.policy": "compact,delete", "retention.ms": "1000", "max.message.bytes": "50"}
)
WELL = {"cleanup.policy": "delete,compact", "retention.ms": "1000", "max.message.bytes": "50"}


@pytest.mark.parametrize(
    ("differs", "needs"),
    [
        ({}, {}),
        ({"retention.ms": "-1", "max.message.bytes": "51"}, {}),
        ({"cleanup.policy": "delete"}, {"cleanup.policy": "compact,delete"}),
        ({"retention.ms": "999"}, {"retention.ms": "1000"}),
        ({"max.message.bytes": "49"}, {"max.message.bytes": "50"}),
        ({"segment.bytes": "1"}, {}),
        ({"max.message.bytes": ""}, {"max.message.bytes": "50"}),
    ],
)
def test_what_a_topic_lacks(differs: dict[str, str], needs: dict[str, str]) -> None:
    assert needs == unsafe(KEPT, WELL | differs)


def test_every_topic_is_made_as_it_is_needed() -> None:
    defaults = {"cleanup.policy": "delete", "message.timestamp.type": "CreateTime"}
    specs = wanted(load_settings({"crypto.keys": Cipher.new_key("k1"), "kafka.bootstrap": "kafka:9092"}))
    assert all(unsafe(spec, defaults | dict(spec.config)) == {} for spec in specs)
    lacking = {spec.name for spec in specs if "cleanup.policy" in unsafe(spec, defaults | plain(spec))}
    assert t.CAMPAIGNS_WITHDRAWN in lacking
    assert "carillon.recipient.changelog" in lacking


def plain(spec: TopicSpec) -> dict[str, str]:
    """What it needs but for how it is cleaned, as brokers make topics by themselves."""
    return {name: value for name, value in spec.config.items() if name != "cleanup.policy"}


def test_the_line_that_mends_it_is_for_kafkas_own_tool() -> None:
    words = shlex.split(mending("kept", {"cleanup.policy": "compact,delete", "retention.ms": "1000"}))
    assert "kafka-configs" == words[0]
    assert "kept" == words[words.index("--entity-name") + 1]
    assert "cleanup.policy=[compact,delete],retention.ms=1000" == words[-1]
