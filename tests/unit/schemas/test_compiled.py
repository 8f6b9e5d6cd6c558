"""Corners of the compiled codec that our own schemas hardly reach."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import msgspec
import pytest
from fastavro import parse_schema, schemaless_writer

from schemas import binary
from schemas.compiled import Compiled


class Inner(msgspec.Struct, frozen=True):
    price: float
    ok: bool


class Outer(msgspec.Struct, frozen=True):
    first: Inner
    more: list[Inner]
    by_name: dict[str, list[str]]
    maybe: list[int] | None


class Optional(msgspec.Struct, frozen=True):
    text: str | None
    raw: bytes | None
    whole: int | None
    real: float | None
    ok: bool | None
    inner: Inner | None
    by_name: dict[str, int] | None


INNER: dict[str, Any] = {
    "type": "record",
    "name": "Inner",
    "namespace": "carillon",
    "fields": [{"name": "price", "type": "double"}, {"name": "ok", "type": {"type": "boolean"}}],
}
OUTER: dict[str, Any] = {
    "type": "record",
    "name": "Outer",
    "namespace": "carillon",
    "fields": [
        {"name": "first", "type": INNER},
        {"name": "more", "type": {"type": "array", "items": "carillon.Inner"}},
        {"name": "by_name", "type": {"type": "map", "values": {"type": "array", "items": "string"}}},
        {"name": "maybe", "type": ["null", {"type": "array", "items": "int"}]},
    ],
}
OPTIONAL: dict[str, Any] = {
    "type": "record",
    "name": "Optional",
    "namespace": "carillon",
    "fields": [
        {"name": "text", "type": ["null", "string"]},
        {"name": "raw", "type": ["null", "bytes"]},
        {"name": "whole", "type": ["null", "long"]},
        {"name": "real", "type": ["null", "double"]},
        {"name": "ok", "type": ["null", "boolean"]},
        {"name": "inner", "type": ["null", INNER]},
        {"name": "by_name", "type": ["null", {"type": "map", "values": "int"}]},
    ],
}
VALUE = Outer(
    first=Inner(price=-0.5, ok=True),
    more=[Inner(price=1e300, ok=False)] * 3,
    by_name={"ж": ["x", ""], "": []},
    maybe=[-1, 0, 64],
)


@pytest.fixture(scope="module")
def outer() -> Compiled:
    return Compiled(OUTER, {"Outer": Outer, "Inner": Inner}, header=b"head")


@pytest.mark.parametrize("value", [VALUE, msgspec.structs.replace(VALUE, more=[], by_name={}, maybe=None)])
def test_lists_maps_and_repeated_records_are_as_fastavro_writes_them(outer: Compiled, value: Outer) -> None:
    expected = BytesIO()
    schemaless_writer(expected, parse_schema(OUTER), msgspec.to_builtins(value))
    assert b"head" + expected.getvalue() == outer.write(value)
    assert (value, len(outer.write(value))) == outer.read(outer.write(value), 4)


def test_a_block_with_its_size_before_it_is_read() -> None:
    raw = b"".join((binary.zigzag(-2), binary.zigzag(2), b"\x02\x04", b"\x02\x06", b"\x00"))
    assert ([1, 2, 3], len(raw)) == binary.read_many(raw, 0, binary.read_long)


def test_a_map_in_two_blocks_is_read() -> None:
    raw = b"\x02\x02a\x02" + b"\x02\x02b\x04" + b"\x00"
    assert ({"a": 1, "b": 2}, len(raw)) == binary.read_pairs(raw, 0, binary.read_long)


def test_a_union_branch_that_does_not_exist_is_refused(outer: Compiled) -> None:
    raw = outer.write(msgspec.structs.replace(VALUE, maybe=None))[:-1] + b"\x04"
    with pytest.raises(ValueError, match="no such branch"):
        outer.read(raw, 4)


@pytest.mark.parametrize("number", [0, -1, 63, 64, -65, 2**31, -(2**63), 2**63 - 1])
def test_a_long_comes_back(number: int) -> None:
    raw = binary.zigzag(number)
    assert (number, len(raw)) == binary.read_long(raw, 0)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_a_long_has_64_bits(number: int) -> None:
    with pytest.raises(OverflowError):
        binary.zigzag(number)


def test_lengths_beyond_the_prepared_ones_are_written_too() -> None:
    assert [binary.zigzag(8191), binary.zigzag(8192)] == [binary.size(8191), binary.size(8192)]


@pytest.mark.parametrize("kind", ["float", {"type": "enum", "symbols": []}, ["string", "null"]])
def test_what_our_schemas_do_not_use_is_refused_when_compiling(kind: Any) -> None:
    schema = {"type": "record", "name": "Bad", "fields": [{"name": "x", "type": kind}]}
    with pytest.raises(NotImplementedError, match="no compiled form"):
        Compiled(schema, {})


LONG = "ж" * 10_000
PRICED = Inner(price=1.5, ok=False)


@pytest.mark.parametrize(
    "value",
    [
        Optional(None, None, None, None, None, None, None),
        Optional("", b"", 0, 0.0, False, PRICED, {}),
        Optional(LONG, LONG.encode(), -(1 << 62), -0.5, True, PRICED, {"a": 1, LONG: -1}),
    ],
)
def test_what_may_be_absent_is_as_fastavro_writes_it(value: Optional) -> None:
    expected = BytesIO()
    schemaless_writer(expected, parse_schema(OPTIONAL), msgspec.to_builtins(value, builtin_types=(bytes,)))
    compiled = Compiled(OPTIONAL, {"Optional": Optional, "Inner": Inner})
    assert expected.getvalue() == compiled.write(value)
    assert (value, len(expected.getvalue())) == compiled.read(expected.getvalue(), 0)
