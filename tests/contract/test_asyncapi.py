"""The AsyncAPI document names every topic, its records are the Avro schemas', and it holds together."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fastavro import parse_schema
from jsonschema_rs import Draft202012Validator, meta

from schemas import records as r
from schemas.avro_files import expanded, fingerprint
from schemas.catalogue import catalogue
from schemas.codec import encode_json
from schemas.json_form import json_form
from schemas.topics import Form, Use
from streams.asyncapi import AVRO, asyncapi
from streams.topics import DEFAULT_DESTINATIONS
from tests.messages import T0

DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(asyncapi()))
TOPICS = {topic.name: topic for topic in catalogue(destinations=DEFAULT_DESTINATIONS)}
MESSAGES: dict[str, dict[str, Any]] = DOCUMENT["components"]["messages"]
KNOWN = {
    "": {"asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components"},
    "channel": {"address", "summary", "description", "servers", "messages", "bindings"},
    "operation": {"action", "channel", "summary"},
    "message": {"name", "summary", "contentType", "headers", "payload"},
    "kafka": {"topic", "partitions", "topicConfiguration", "bindingVersion"},
}
"""The fields of AsyncAPI 3.0 that the document uses; another one is looked up there before it stands here."""


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [ref for inner in part.values() for ref in references(inner)]
    return [ref for inner in part for ref in references(inner)] if isinstance(part, list) else []


def test_every_topic_has_its_channel_and_no_other() -> None:
    assert {name: name for name in TOPICS} == {n: one["address"] for n, one in DOCUMENT["channels"].items()}


def test_every_reference_leads_somewhere() -> None:
    for ref in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_the_document_has_the_fields_of_its_form_and_no_others() -> None:
    assert "3.0.0" == DOCUMENT["asyncapi"]
    assert KNOWN[""] == set(DOCUMENT)
    assert {"title", "version", "description"} == set(DOCUMENT["info"])
    for kind, found in (
        ("channel", DOCUMENT["channels"]),
        ("operation", DOCUMENT["operations"]),
        ("message", MESSAGES),
        ("kafka", {name: one["bindings"]["kafka"] for name, one in DOCUMENT["channels"].items()}),
    ):
        assert {} == {name: extra for name, one in found.items() if (extra := set(one) - KNOWN[kind])}


@pytest.mark.parametrize("name", TOPICS)
def test_a_channel_has_the_records_of_its_topic(name: str) -> None:
    found = [MESSAGES[each].get("name") for each in DOCUMENT["channels"][name]["messages"]]
    assert [record.__name__ for record in TOPICS[name].records] or [None] == found


@pytest.mark.parametrize("name", [name for name in MESSAGES if name.endswith(".avro")])
def test_an_avro_message_has_the_schema_that_is_on_the_wire(name: str) -> None:
    payload = MESSAGES[name]["payload"]
    parse_schema(payload["schema"])
    assert AVRO == payload["schemaFormat"]
    assert fingerprint(expanded(name.removesuffix(".avro"))) == fingerprint(payload["schema"])


@pytest.mark.parametrize("name", [n for n in MESSAGES if n.endswith((".json", ".in"))])
def test_a_json_message_has_a_valid_schema(name: str) -> None:
    meta.validate(MESSAGES[name]["payload"])


def test_the_product_receives_what_it_reads_and_sends_what_it_writes() -> None:
    for name, topic in TOPICS.items():
        if topic.use is Use.INTERNAL:
            assert {f"receive.{name}", f"send.{name}"} <= set(DOCUMENT["operations"]), name
    assert "send.user.events" not in DOCUMENT["operations"]
    assert "receive.notification.stats" not in DOCUMENT["operations"]
    for name, one in DOCUMENT["operations"].items():
        assert name.startswith(one["action"])


def test_public_topics_speak_json() -> None:
    public = {Use.PUBLIC_IN, Use.PUBLIC_OUT}
    assert {Form.JSON} == {topic.form for topic in TOPICS.values() if topic.use in public and topic.records}


STATS = r.StatsRecord(
    period="hour", timestamp="2025-05-21T12:00:00Z", metrics={"sent": 1}, dimensions={"channel_type": None}
)
EVENT = r.NotificationEvent(
    event_type="notification.sent",
    message_id="m",
    user_id="u",
    channel_type=None,
    timestamp="t",
    data={"a": 1},
)


@pytest.mark.spec("NS-EVT-021")
@pytest.mark.parametrize(
    ("record", "broken"), [(STATS, "metrics"), (EVENT, "user_id")], ids=["stats", "event"]
)
def test_a_record_as_it_is_sent_fits_its_schema_and_a_broken_one_does_not(
    record: msgspec.Struct, broken: str
) -> None:
    checked = Draft202012Validator(MESSAGES[f"{type(record).__name__}.json"]["payload"])
    sent = msgspec.json.decode(encode_json(record))
    assert checked.is_valid(sent)
    assert not checked.is_valid(sent | {broken: T0})
    assert not checked.is_valid({name: value for name, value in sent.items() if name != broken})


def test_a_record_inside_a_record_is_written_out() -> None:
    form = json_form(expanded("ContactChanged"))
    (_, devices) = form["properties"]["devices"]["anyOf"]
    assert {"token", "platform"} == set(devices["items"]["properties"])


def test_what_has_no_json_form_is_a_defect() -> None:
    with pytest.raises(TypeError, match="fixed"):
        json_form({"type": "fixed", "name": "x", "size": 3})
