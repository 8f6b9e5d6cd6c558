"""The AsyncAPI 3 document: every topic of the catalogue with its records, made from the Avro schemas.

`docs/asyncapi.json` is written from it (`python -m streams.docs`). Actions are those of the product: it
receives what its stages read, and sends what they write.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

from schemas.avro_files import expanded
from schemas.catalogue import catalogue
from schemas.json_form import json_form
from schemas.topics import Form, Partitions, Topic, Use
from streams.topics import DEFAULT_DESTINATIONS

FORM: Final = "3.0.0"
AVRO: Final = "application/vnd.apache.avro;version=1.9.0"
BINDING: Final = "0.5.0"
OTHERS: Final = frozenset({"other services", "analysts", "consumer services", "auditors"})
"""Writers and readers that are no part of the product."""
INSIDE: Final = {
    Use.PUBLIC_IN: "Public, in.",
    Use.PUBLIC_OUT: "Public, out.",
    Use.INTERNAL: "Internal: read and written by the product only.",
    Use.REFERENCE: "Internal: read whole by every worker.",
    Use.DEAD_LETTERS: "Dead letters.",
}
TEXT: Final = {"type": "string"}
HEADERS: Final = {
    "request_id": "The id of a request; a UUID given here stays that of the request.",
    "source": "The producing service, as it calls itself.",
    "event_id": "Of an event: a second one with the same id is a repeat.",
    "occurred_at": "When it happened, RFC 3339; the record's time otherwise.",
    "ce_id": "As `event_id`, of CloudEvents.",
    "ce_source": "As `source`, of CloudEvents.",
    "ce_time": "As `occurred_at`, of CloudEvents.",
    "traceparent": "W3C trace context; travels on with what follows.",
}


def asyncapi() -> dict[str, Any]:
    """The document; equal code gives an equal one."""
    topics = catalogue(destinations=DEFAULT_DESTINATIONS)
    messages = {name: each for topic in topics for name, each in _messages(topic)}
    return {
        "asyncapi": FORM,
        "info": {
            "title": "Carillon",
            "version": version("carillon"),
            "description": "Topics of the notification pipeline. How each is kept: docs/topics.md.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The brokers.",
                "variables": {"bootstrap": {"description": "`CARILLON_KAFKA__BOOTSTRAP`"}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {name: each for topic in topics for name, each in _operations(topic)},
        "components": {"messages": dict(sorted(messages.items()))},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    names = [name for name, _ in _messages(topic)]
    found: dict[str, Any] = {
        "address": topic.name,
        "summary": topic.about,
        "description": f"{INSIDE[topic.use]} Key: {topic.key}.",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topic": topic.name, **_kept(topic), "bindingVersion": BINDING}},
    }
    if topic.partitions is Partitions.ONE:
        found["bindings"]["kafka"]["partitions"] = 1
    return found


def _kept(topic: Topic) -> dict[str, Any]:
    if topic.use is Use.PUBLIC_IN:
        return {}  # theirs, and made by them
    policy = topic.configs.get("cleanup.policy", "delete").split(",")
    kept = {} if topic.retention_ms is None else {"retention.ms": topic.retention_ms}
    size = {"max.message.bytes": int(topic.configs["max.message.bytes"])}
    return {"topicConfiguration": {"cleanup.policy": policy, **kept, **size}}


def _operations(topic: Topic) -> Iterator[tuple[str, dict[str, Any]]]:
    channel = {"channel": {"$ref": f"#/channels/{topic.name}"}}
    if set(topic.readers) - OTHERS:
        readers = ", ".join(name for name in topic.readers if name not in OTHERS)
        yield f"receive.{topic.name}", {"action": "receive", **channel, "summary": f"Read by: {readers}."}
    if set(topic.writers) - OTHERS:
        writers = ", ".join(name for name in topic.writers if name not in OTHERS)
        yield f"send.{topic.name}", {"action": "send", **channel, "summary": f"Written by: {writers}."}


def _messages(topic: Topic) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and messages of a topic; one record may travel as Avro and as JSON."""
    if not topic.records:
        about = "The source's bytes; why they are here stands in the headers."
        if topic.use is not Use.DEAD_LETTERS:
            about = topic.about
        yield f"{topic.name}.raw", {"summary": about, "contentType": "application/octet-stream"}
    for record in topic.records:
        schema = expanded(record.__name__)
        told: dict[str, Any] = {"name": record.__name__, "summary": schema["doc"]}
        if topic.form is Form.AVRO:
            payload = {"schemaFormat": AVRO, "schema": schema}
            yield f"{record.__name__}.avro", {**told, "contentType": "avro/binary", "payload": payload}
        elif topic.use is Use.PUBLIC_IN:
            payload = json_form(schema)
            yield f"{record.__name__}.in", {**told, "headers": _headers(), "payload": payload}
        else:
            yield f"{record.__name__}.json", {**told, "payload": json_form(schema)}


def _headers() -> dict[str, Any]:
    return {"type": "object", "properties": {name: {**TEXT, "description": s} for name, s in HEADERS.items()}}
