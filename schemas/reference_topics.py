"""Topics of reference data, a part of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas import records as r
from schemas import topics as t
from schemas.topics import Form, Partitions, Topic, Use

if TYPE_CHECKING:
    from collections.abc import Iterator


def reference_topics() -> Iterator[Topic]:
    """What operators apply, and the schemas of all records."""
    yield Topic(
        name=t.REFERENCE,
        use=Use.REFERENCE,
        key="`<kind>:<name>`",
        records=(
            r.NotificationType,
            r.Template,
            r.Rule,
            r.Provider,
            r.SpendingBudget,
            r.SeenTag,
            r.Communication,
            r.AudienceFilter,
            r.Experiment,
        ),
        about="Types, templates, rules, providers, budgets, tags, what audiences need; read whole by all.",
        writers=("apply", "http"),
        readers=("intake", "intake-high", "recipient", "delivery", "seen", "http"),
        form=Form.JSON,
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=t.COMPACTED,
    )
    yield Topic(
        name=t.SCHEMAS,
        use=Use.REFERENCE,
        key="fingerprint, 8 bytes",
        records=(),
        about="Avro schemas of all writers, by fingerprint.",
        writers=("every worker",),
        readers=("every worker",),
        form=Form.RAW,
        partitions=Partitions.ONE,
        retention_ms=None,
        extra=t.COMPACTED,
    )
