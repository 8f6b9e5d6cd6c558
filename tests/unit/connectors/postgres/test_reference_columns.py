"""Reference records as columns: nothing that a file can say is left out, so every change is published."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from connectors.cipher import Cipher
from connectors.postgres.named import named_queries
from connectors.postgres.reference_columns import columns_of
from connectors.reference.wire import NAMES, ReferenceRecord
from schemas.records import (
    AudienceFilter,
    Communication,
    Experiment,
    NotificationType,
    Provider,
    Rule,
    SeenDestination,
    SeenTag,
    SpendingBudget,
    Template,
)

CIPHER = Cipher({"k1": bytes(64)}, current="k1")
SAMPLES: list[ReferenceRecord] = [
    NotificationType(code="a", title="a", category="a", default_channels=["a"], template_name="a"),
    Template(name="a", channel_type="a", language_code="a", body="a"),
    Rule(topic="a", event_type="a", notification_type="a"),
    Provider(name="a", channel_type="a", kind="a"),
    SpendingBudget(of="a"),
    SeenTag(tag="a", destinations=["a"]),
    Communication(id="a", kind="a", content={"a": 1}),
    AudienceFilter(filter_id="a", value_type="a"),
    Experiment(name="a", filters={"a": 1}),
]
OTHERS: dict[str, Any] = {
    "targets": [SeenDestination(kind="api", name="b")],
    "variables": {"B": {"type": "string"}},
    "parts": {"layout.b": {"body": "b"}},
    **dict.fromkeys(("cost_per_message", "per_day", "per_month", "in_all"), "7.5"),
    **dict.fromkeys(("rate_limit", "fallback_after_s", "weight"), 7),
}
EACH = [(one, each.name) for one in SAMPLES for each in msgspec.structs.fields(one) if each.name != "version"]


def other(record: ReferenceRecord, name: str) -> Any:
    """Another value of the field."""
    if name in OTHERS:
        return OTHERS[name]
    value = getattr(record, name)
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case list():
            return ["b"]
        case dict():
            return {"b": "b"}
        case _:
            return "b"


@pytest.mark.parametrize(("record", "name"), EACH, ids=[f"{type(one).__name__} {name}" for one, name in EACH])
def test_a_change_of_any_field_is_a_change_of_columns(record: ReferenceRecord, name: str) -> None:
    changed = replace(record, **{name: other(record, name)})
    assert columns_of(record, CIPHER) != columns_of(changed, CIPHER)


@pytest.mark.parametrize("record", SAMPLES, ids=[type(one).__name__ for one in SAMPLES])
def test_each_column_has_its_place_in_the_query_that_writes_it(record: ReferenceRecord) -> None:
    kind = NAMES[type(record)][0]
    query = named_queries("reference")[f"upsert_{kind}"]
    places = {int(number) for number in re.findall(r"\$(\d+)", query)}
    assert set(range(1, len(columns_of(record, CIPHER)) + 1)) == places


@pytest.mark.parametrize("kind", ["type", "provider", "budget", "tag", "rule"])
def test_a_query_compares_all_that_it_writes(kind: str) -> None:
    """A column that it does not compare is one whose change nobody publishes."""
    query = named_queries("reference")[f"upsert_{kind}"]
    written = set(re.findall(r"(\w+) = excluded\.\1", query))
    _, _, compared = query.partition("WHERE")
    assert written | {"deleted_at"} == set(re.findall(r"t\.(\w+)", compared))
