"""Avro's rules of resolution, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.avro_files import expanded
from schemas.compatibility import conflicts


def record(*fields: dict[str, Any], name: str = "A") -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": "n", "fields": list(fields)}


def field(kind: Any, **extra: Any) -> dict[str, Any]:
    return {"name": "f", "type": kind, **extra}


SAME = [
    ("string", "string"),
    ("int", "long"),
    ("string", ["null", "string"]),
    (["null", "string"], ["null", "string"]),
    ({"type": "string", "logicalType": "json"}, "string"),
    ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}),
    ({"type": "map", "values": "long"}, {"type": "map", "values": "double"}),
    (record(field("string"), name="B"), record(field("string"), name="B")),
]
DIFFERENT = [
    ("long", "int", ".f: long cannot be read as int"),
    ("string", "bytes", ".f: string cannot be read as bytes"),
    (["null", "string"], "string", ".f: null cannot be read as string"),
    ("long", ["null", "string"], ".f: no branch of the union takes what was written"),
    (
        {"type": "array", "items": "string"},
        {"type": "array", "items": "long"},
        ".f[]: string cannot be read as long",
    ),
    (
        {"type": "map", "values": "string"},
        {"type": "map", "values": "long"},
        ".f{}: string cannot be read as long",
    ),
    (
        {"type": "array", "items": "string"},
        {"type": "map", "values": "string"},
        ".f: array cannot be read as map",
    ),
    (record(name="B"), record(name="C"), ".f: record B cannot be read as C"),
    (record(name="B"), record(field("string"), name="B"), ".f.f: not written, and without a default"),
]


@pytest.mark.parametrize(("writer", "reader"), SAME)
def test_a_reader_takes_the_same_and_the_wider(writer: Any, reader: Any) -> None:
    assert [] == conflicts(record(field(writer)), record(field(reader)))


@pytest.mark.parametrize(("writer", "reader", "reason"), DIFFERENT)
def test_a_reader_refuses_another_type(writer: Any, reader: Any, reason: str) -> None:
    assert [reason] == conflicts(record(field(writer)), record(field(reader)))


def test_a_field_with_a_default_may_be_missing() -> None:
    assert [] == conflicts(record(), record(field("string", default="")))


def test_a_field_that_nobody_reads_may_be_written() -> None:
    assert [] == conflicts(record(field("string")), record())


def test_names_that_stand_for_records_are_followed() -> None:
    assert [] == conflicts(expanded("Progress"), expanded("Progress"))
    inner = record(field("string"), name="B")
    twice = record({"name": "g", "type": inner}, field({"type": "array", "items": "n.B"}))
    other = record(
        {"name": "g", "type": inner},
        field({"type": "array", "items": record(field("long"), name="B")}),
    )
    assert [".f[].f: string cannot be read as long"] == conflicts(twice, other)
