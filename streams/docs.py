"""Writes lists in docs/ (access, topics, reasons, metrics, OpenAPI, AsyncAPI): `python -m streams.docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from prometheus_client import CollectorRegistry

from connectors.http.access import TABLE
from connectors.http.openapi import OPERATIONS, PUBLIC, document
from connectors.http.policies import (
    Anyone,
    AtLogin,
    ByLink,
    BySignature,
    Himself,
    NeedsKey,
    NeedsRole,
    OnlyGateway,
    Operations,
    Policy,
    Public,
)
from connectors.http.routes import EDGE, OPS
from connectors.metrics import METRICS
from schemas.catalogue import catalogue
from schemas.seen_words import GIVEN_UP
from schemas.topics import HOUR_MS, Partitions, Topic, Use
from schemas.words import REASONS
from streams.asyncapi import asyncapi
from streams.engine.meters import Meters
from streams.stages import stateful_stages
from streams.topics import DEFAULT_DESTINATIONS

FOLDER: Final = Path(__file__).parent.parent / "docs"
MADE: Final = "Written by `python -m streams.docs`; edit the sentences in `{source}`."
TITLES: Final = {
    Use.PUBLIC_IN: "Public, in: other services write",
    Use.INTERNAL: "Internal: between two stages",
    Use.PUBLIC_OUT: "Public, out: other services read",
    Use.REFERENCE: "Reference: every worker reads them whole",
}
COUNTS: Final = {
    Partitions.FOREIGN: "any",
    Partitions.TASK: "`CARILLON_KAFKA__PARTITIONS`",
    Partitions.ONE: "1",
}


def pages() -> dict[str, str]:
    """The text of every page, by file name."""
    return {
        "topics.md": topics_page(),
        "reasons.md": reasons_page(),
        "metrics.md": metrics_page(),
        "access.md": access_page(),
        "asyncapi.json": _indented(asyncapi()),
        "openapi.json": _indented(document(PUBLIC, EDGE)),
        "openapi-operations.json": _indented(document(OPERATIONS, OPS)),
    }


def topics_page() -> str:
    """Every topic that `carillon topics create` makes; dead letters and changelogs as one rule each."""
    topics = catalogue(destinations=DEFAULT_DESTINATIONS)
    parts = ["# Topics", MADE.format(source="schemas/catalogue.py")]
    for use, title in TITLES.items():
        rows = [_topic_row(topic) for topic in topics if topic.use is use]
        head = ("topic", "key", "records", "form", "partitions", "kept", "written by", "read by", "what")
        parts += [f"## {title}", _table(head, rows)]
    return _joined([*parts, *_rules(topics)])


def reasons_page() -> str:
    """The closed list of reasons."""
    about = (
        "Why a request or a message ended as it did. These words stand in Postgres, in `notification.events`,"
        " in\nmetric labels and in `carillon why`; a word that is not here does not exist."
    )
    rows: list[tuple[str, ...]] = [(f"`{reason}`", sentence) for reason, sentence in REASONS.items()]
    made = MADE.format(source="schemas/words.py` and `schemas/seen_words.py")
    lost: list[tuple[str, ...]] = [(f"`{reason}`", sentence) for reason, sentence in GIVEN_UP.items()]
    seen = "Why a fact was given up for one destination: the word in `seen.failed` and `carillon seen list`."
    head = ("reason", "what it means")
    return _joined(["# Reasons", made, about, _table(head, rows), "## Seen facts", seen, _table(head, lost)])


def metrics_page() -> str:
    """The closed list of metrics, the engine's included."""
    about = (
        "At `/metrics` on the operations port of a worker and of the HTTP process. Labels are bounded: no"
        "\nuser or address, and tags only as configured. Alert rules are in helm/carillon/alerts/, dashboards"
        "\nbeside them."
    )
    head = ("metric", "kind", "labels", "what it counts")
    outside: list[tuple[str, ...]] = [
        (f"`{m.name}`", _kind(m.name), _words(m.labels), m.sentence) for m in METRICS
    ]
    sources = "streams/engine/meters.py` and `connectors/metrics.py"
    return _joined(
        [
            "# Metrics",
            MADE.format(source=sources),
            about,
            "## Stages",
            _table(head, _engine_rows()),
            "## HTTP and providers",
            _table(head, outside),
        ]
    )


def access_page() -> str:
    """Who may call what."""
    about = (
        "Every route of the public port, and who may call it; what has no row cannot be served. A user"
        "\nmay call only what is his own. Credentials, limits, vain attempts: [security.md](security.md)."
    )
    served = {(route.method, route.path) for route in EDGE}
    rows: list[tuple[str, ...]] = [
        (
            f"`{row.method} {row.path}`",
            *who_may(row.policy),
            row.source,
            "" if (row.method, row.path) in served else "to come",
        )
        for row in TABLE
    ]
    head = ("route", "people", "services", "by", "")
    made = MADE.format(source="connectors/http/access.py")
    return _joined(["# Access", made, about, _table(head, rows)])


def who_may(policy: Policy) -> tuple[str, str]:
    """People and services that a policy lets in, in words."""
    match policy:
        case Public() | ByLink() | Operations():
            return "everybody", "all"
        case Anyone():
            return "everybody; with an identity only through the gateway", "all"
        case BySignature() | OnlyGateway():
            return "", "the gateway" if isinstance(policy, OnlyGateway) else "providers, by their signature"
        case NeedsKey(scope=scope):
            return "", f"scope `{scope}`"
        case NeedsRole(roles=roles, scope=scope):
            return _words(tuple(sorted(roles))), f"scope `{scope}`" if scope else ""
        case Himself(others=others) | AtLogin(others=others):
            people, services = who_may(others)
            return ", ".join(filter(None, [people, "`user` himself"])), services


def _indented(made: dict[str, Any]) -> str:
    """A document for programs, for people."""
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode() + "\n"


def _topic_row(topic: Topic) -> tuple[str, ...]:
    return (
        f"`{topic.name}`",
        topic.key,
        ", ".join(record.__name__ for record in topic.records),
        topic.form.upper() if topic.form != "avro" else "Avro",
        COUNTS[topic.partitions],
        _kept(topic),
        ", ".join(topic.writers),
        ", ".join(topic.readers),
        topic.about,
    )


def _kept(topic: Topic) -> str:
    if topic.retention_ms is None:
        return "last of each key"
    hours = topic.retention_ms // HOUR_MS
    return f"{hours // 24} days" if hours > 24 else f"{hours} hours"  # noqa: PLR2004 - hours of a day


def _rules(topics: tuple[Topic, ...]) -> list[str]:
    letters = next(topic for topic in topics if topic.use is Use.DEAD_LETTERS)
    consumed = sum(topic.is_consumed for topic in topics)
    dead = (
        f"Each of the {consumed} topics above that a stage reads record by record has `<topic>.dlq`, of one"
        f" partition, kept\n{_kept(letters)}. The value is the source's bytes, unchanged; the headers say"
        " reason, stage, stack and origin."
    )
    logs = (
        "The engine's own, compacted, one per stage that keeps state:\n\n"
        + "\n".join(f"- `<app>.{stage}.changelog`" for stage in stateful_stages())
        + "\n\nTimers and results of calls that make our own code fail are buried in `<app>.<stage>.dlq`."
    )
    return ["## Dead letters", dead, "## Changelogs", logs]


def _engine_rows() -> list[tuple[str, ...]]:
    registry = CollectorRegistry()
    Meters(registry)
    rows: list[tuple[str, ...]] = []
    for metric in registry.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        labels = metric_labels(registry, name)
        rows.append((f"`{name}`", metric.type, _words(labels), metric.documentation))
    return rows


def metric_labels(registry: CollectorRegistry, name: str) -> tuple[str, ...]:
    """Labels of a registered metric that has no samples yet: the library keeps them to itself."""
    collector = registry._names_to_collectors[name]  # noqa: SLF001 - no public way before the first sample
    return tuple(getattr(collector, "_labelnames", ()))


def _kind(name: str) -> str:
    if name.endswith("_total"):
        return "counter"
    is_spent = name.endswith("_seconds") and not name.endswith("_age_seconds")
    return "histogram" if is_spent else "gauge"


def _words(labels: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _joined(parts: list[str]) -> str:
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
