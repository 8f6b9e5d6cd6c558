"""Schema files: found, expanded, snapshot."""

from __future__ import annotations

import orjson
import pytest
from fastavro import parse_schema

from schemas.avro_files import (
    expanded,
    internal_schemas,
    record_names,
    record_schema,
    schema_text,
    snapshot,
)
from schemas.codec import SchemaBook


def test_a_record_without_a_file_is_named() -> None:
    with pytest.raises(KeyError, match=r"Nothing\.avsc is missing"):
        record_schema("Nothing")


def test_records_that_are_named_are_written_out_at_their_first_place() -> None:
    fields = {field["name"]: field["type"] for field in expanded("CallEnded")["fields"]}
    assert "ProviderCall" == fields["call"]["name"]
    assert "SendTask" == fields["call"]["fields"][0]["type"]["name"]


@pytest.mark.parametrize("name", record_names())
def test_every_schema_stands_alone(name: str) -> None:
    assert f"carillon.{name}" == parse_schema(orjson.loads(schema_text(name)))["name"]  # type: ignore[index, call-overload]


def test_a_snapshot_holds_every_schema() -> None:
    assert {name: expanded(name) for name in record_names()} == orjson.loads(snapshot())


def test_what_we_publish_is_what_others_learn() -> None:
    book = SchemaBook()
    assert [key for key, _ in internal_schemas()] == [book.learn(text) for _, text in internal_schemas()]
