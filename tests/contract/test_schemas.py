"""The .avsc files, the records and the released versions agree."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from importlib.resources import files
from io import BytesIO
from itertools import permutations
from types import NoneType
from typing import Any, get_args, get_origin

import msgspec
import orjson
import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
import tables
from schemas.avro_files import MARKER, expanded, fingerprint, record_names, record_schema
from schemas.catalogue import catalogue
from schemas.codec import HEAD, encode, own_fingerprint
from schemas.compatibility import conflicts
from schemas.records import Record
from tests.strategies import records


def _all_records() -> dict[str, type[msgspec.Struct]]:
    """Every record, and every struct that a table holds."""
    return {
        name: kind
        for room, root in ((schemas, Record), (tables, msgspec.Struct))
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}.")
        for name, kind in inspect.getmembers(import_module(module.name), inspect.isclass)
        if issubclass(kind, root) and kind not in {Record, msgspec.Struct}
    }


RECORDS = _all_records()
PLAIN = {str: "string", bytes: "bytes", int: "long", bool: "boolean", float: "double"}


def _avro_of(kind: Any) -> Any:
    """The Avro type that a field of this Python type has."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"carillon.{kind.__name__}"
    if get_origin(kind) is list:
        return {"type": "array", "items": _avro_of(get_args(kind)[0])}
    if get_origin(kind) is dict:
        inner = get_args(kind)[1]
        if inner is Any or get_origin(inner) is dict:
            return {"type": "string", "logicalType": "json"}
        return {"type": "map", "values": _avro_of(inner)}
    if NoneType in get_args(kind):
        return ["null", *(_avro_of(each) for each in get_args(kind) if each is not NoneType)]
    return PLAIN[kind]


def _fields_of(record_type: type[msgspec.Struct]) -> list[dict[str, Any]]:
    fields = []
    for each in msgspec.structs.fields(record_type):
        field: dict[str, Any] = {"name": each.name, "type": _avro_of(each.type)}
        if not each.required:
            made = each.default_factory() if callable(each.default_factory) else each.default
            is_json = isinstance(field["type"], dict) and "logicalType" in field["type"]
            field["default"] = orjson.dumps(made).decode() if is_json else made
        fields.append(field)
    return fields


def test_every_record_has_a_schema_and_every_schema_a_record() -> None:
    assert sorted(RECORDS) == record_names()


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_schema_and_record_have_the_same_fields_types_and_defaults(name: str) -> None:
    schema = record_schema(name)
    assert (schema["type"], schema["namespace"], schema["name"]) == ("record", "carillon", name)
    assert schema["doc"]
    assert _fields_of(RECORDS[name]) == schema["fields"]


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_compiled_bytes_are_the_bytes_of_fastavro(name: str) -> None:
    schema = parse_schema(expanded(name))

    @settings(max_examples=10, deadline=None, database=None)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        record = data.draw(records(RECORDS[name]))
        expected = BytesIO()
        schemaless_writer(expected, schema, _plain(expanded(name), record))
        assert MARKER + own_fingerprint(RECORDS[name]) + expected.getvalue() == encode(record)

    compare()


def _plain(schema: Any, value: Any) -> Any:  # noqa: PLR0911 - a return for each kind of schema
    """A record as fastavro takes it: dicts, and JSON text where the schema says so."""
    match schema:
        case {"type": "record", "fields": fields}:
            return {each["name"]: _plain(each["type"], getattr(value, each["name"])) for each in fields}
        case str() if schema.startswith("carillon."):
            return _plain(record_schema(schema.removeprefix("carillon.")), value)
        case {"logicalType": "json"}:
            return msgspec.json.encode(value).decode()
        case {"type": "array", "items": items}:
            return [_plain(items, each) for each in value]
        case {"type": "map", "values": items}:
            return {key: _plain(items, each) for key, each in value.items()}
        case ["null", other]:
            return None if value is None else _plain(other, value)
        case _:
            return value


def test_no_two_schemas_share_a_fingerprint() -> None:
    found = {fingerprint(expanded(name)) for name in record_names()}
    assert len(record_names()) == len(found)
    assert {HEAD - len(MARKER)} == {len(each) for each in found}


def test_every_record_of_a_topic_has_a_schema() -> None:
    named = {each.__name__ for topic in catalogue() for each in topic.records}
    assert set() == named - set(record_names())


def _versions() -> dict[str, dict[str, Any]]:
    """Release → record → expanded schema; the working tree is `now`."""
    folder = files("schemas").joinpath("avro", "released")
    found = {
        each.name: orjson.loads(each.read_bytes()) for each in folder.iterdir() if each.name.endswith(".json")
    }
    return {**found, "now": {name: expanded(name) for name in record_names()}}


def test_every_version_of_a_record_reads_every_other() -> None:
    versions = _versions()
    assert {"0.1.0.json", "now"} <= versions.keys()
    found = [
        f"{name}: written by {writer}, read by {reader}{text}"
        for writer, reader in permutations(versions, 2)
        for name in versions[writer].keys() & versions[reader].keys()
        for text in conflicts(versions[writer][name], versions[reader][name])
    ]
    assert [] == found, "see schemas/avro/released/README.md"


def test_a_required_field_that_is_new_would_be_noticed() -> None:
    before = expanded("RequestDue")
    after = before | {"fields": [*before["fields"], {"name": "extra", "type": "string"}]}
    assert ([], [".extra: not written, and without a default"]) == (
        conflicts(after, before),
        conflicts(before, after),
    )
