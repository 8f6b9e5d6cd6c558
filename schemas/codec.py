"""Records as bytes: Avro single-object encoding (`C3 01`, fingerprint, value), and the spec's JSON.

The compiled form of a record is made once, at its first use. Our own schemas need no look-up; what another
version of a service wrote is read through its schema, learned from the compacted topic `carillon.schemas`.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from struct import error as StructError  # noqa: N812 - a class with a lower-case name
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import orjson
from fastavro import parse_schema, schemaless_reader
from msgspec import Struct

from schemas.avro_files import MARKER, NAMESPACE, expanded, fingerprint, record_schema
from schemas.compatibility import conflicts
from schemas.compiled import Compiled
from schemas.errors import DecodeError, EncodeError, Fault, SchemaConflictError, UnknownSchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.avro_files import AvroSchema

HEAD = len(MARKER) + 8
"""Bytes before the value."""

_WRITERS: dict[type, Callable[[Any], bytes]] = {}


def encode(record: Struct) -> bytes:
    """Avro bytes of a record. `EncodeError` when a value does not fit its schema."""
    write = _WRITERS.get(type(record))
    if write is None:
        write = _WRITERS[type(record)] = compiled(type(record)).write
    try:
        return write(record)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise EncodeError(f"{type(record).__name__}: {error}") from error


@cache
def compiled(record_type: type[Struct]) -> Compiled:
    """Reader and writer of a record type, by the schema file of its name."""
    schema = expanded(record_type.__name__)
    return Compiled(schema, structs_in(record_type), MARKER + own_fingerprint(record_type))


@cache
def own_fingerprint(record_type: type[Struct]) -> bytes:
    """Fingerprint of the schema we write: key of its entry in `carillon.schemas`."""
    return fingerprint(expanded(record_type.__name__))


def structs_in(record_type: type[Any]) -> dict[str, type[Any]]:
    """The record type and all that stand in its fields, by name."""
    found: dict[str, type[Any]] = {record_type.__name__: record_type}
    for field in msgspec.structs.fields(record_type):
        for inner in _structs_of(field.type):
            found |= structs_in(inner)
    return found


def _structs_of(kind: Any) -> list[type[Any]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [inner for argument in get_args(kind) for inner in _structs_of(argument)]


class SchemaBook:
    """Schemas of other writers, by fingerprint: what was read from `carillon.schemas`."""

    def __init__(self) -> None:
        self._schemas: dict[bytes, AvroSchema] = {}

    def learn(self, text: bytes) -> bytes:
        """Take one schema as JSON; returns its fingerprint. `ValueError` when it is no Avro record schema."""
        schema = orjson.loads(text)
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise ValueError("a schema in this topic is a record")
        try:
            key = fingerprint(schema)
        except Exception as error:
            raise ValueError(f"no Avro schema: {type(error).__name__}") from error
        self._schemas[key] = schema
        return key

    def find(self, key: bytes) -> AvroSchema | None:
        """The schema of a fingerprint, None when it was not learned."""
        return self._schemas.get(key)


class Decoder:
    """Reads the given record types, whoever wrote them."""

    def __init__(self, *types: type[Struct], book: SchemaBook | None = None) -> None:
        self._types = {record_type.__name__: record_type for record_type in types}
        self._book = book or SchemaBook()
        self._readers = {own_fingerprint(each): compiled(each).read for each in types}

    def __call__(self, raw: bytes) -> Any:
        """The record in these bytes.

        `DecodeError`: not ours to read, ever. `UnknownSchemaError`: wait for `carillon.schemas`, then retry.
        `SchemaConflictError`: a schema that this version cannot read was deployed.
        """
        if raw[:2] != MARKER:
            raise DecodeError(Fault.NOT_AVRO, "no single-object marker")
        read = self._readers.get(raw[2:HEAD]) or self._foreign(raw[2:HEAD])
        try:
            record, end = read(raw, HEAD)
        except (IndexError, ValueError, EOFError, StructError) as error:
            raise DecodeError(Fault.NOT_AVRO, type(error).__name__) from error
        if end != len(raw):
            raise DecodeError(Fault.NOT_AVRO, "the record is cut or has bytes behind it")
        return record

    def _foreign(self, key: bytes) -> Callable[[bytes, int], tuple[Any, int]]:
        """A reader of what another version wrote; kept for the next record."""
        writer = self._book.find(key)
        if writer is None:
            raise UnknownSchemaError(key)
        name = str(writer["name"])
        record_type = self._types.get(name.rpartition(".")[2])
        if record_type is None:
            raise DecodeError(Fault.UNEXPECTED_RECORD, name)
        reader = expanded(record_type.__name__)
        try:
            found = conflicts(writer, reader)
            read = _resolving(writer, reader, structs_in(record_type))
        except (
            KeyError,
            TypeError,
            AttributeError,
        ) as error:  # a schema that fastavro took, and that is none
            raise SchemaConflictError(f"{name} {key.hex()}: {type(error).__name__} in its schema") from error
        if found:
            raise SchemaConflictError(f"{name} {key.hex()}: {'; '.join(found)}")
        self._readers[key] = read
        return read


class _Exact(BytesIO):
    """Ends a read behind the last byte: fastavro skips 2⁶² items of an array there without noticing."""

    def read(self, size: int | None = -1, /) -> bytes:
        """All `size` bytes, or `EOFError`."""
        found = super().read(size)
        if size is None or len(found) != size:
            raise EOFError
        return found


def _resolving(
    writer: AvroSchema, reader: AvroSchema, types: dict[str, type[Any]]
) -> Callable[[bytes, int], tuple[Any, int]]:
    """Reads with the writer's schema into our record: fastavro resolves one into the other."""
    written, wanted = parse_schema(writer), parse_schema(reader)

    def read(raw: bytes, at: int) -> tuple[Any, int]:
        stream = _Exact(raw)
        stream.seek(at)
        value = schemaless_reader(stream, written, wanted)
        return _struct_of(reader, value, types), stream.tell()

    return read


def _struct_of(  # noqa: PLR0911 - a return for each kind of schema
    schema: Any, value: Any, types: dict[str, type[Any]]
) -> Any:
    """Plain values → structs, along our schema."""
    match schema:
        case {"type": "record", "name": name, "fields": fields}:
            return types[name](**{f["name"]: _struct_of(f["type"], value[f["name"]], types) for f in fields})
        case str() if schema.startswith(f"{NAMESPACE}."):
            return _struct_of(record_schema(schema.removeprefix(f"{NAMESPACE}.")), value, types)
        case {"logicalType": "json"}:
            return msgspec.json.decode(value)
        case {"type": "array", "items": items}:
            return [_struct_of(items, item, types) for item in value]
        case {"type": "map", "values": values}:
            return {key: _struct_of(values, item, types) for key, item in value.items()}
        case ["null", other]:
            return None if value is None else _struct_of(other, value, types)
        case _:
            return value


_JSON = msgspec.json.Encoder()


def encode_json(record: Struct) -> bytes:
    """The spec's JSON of a record: fields in the order of the spec, nulls written.

    Only a seen fact without a known user leaves `user` out (SEEN-OP-10): its struct says so.
    """
    return _JSON.encode(record)
