"""The Avro schemas of the product, read from `schemas/avro/*.avsc`: one file per record, the source of truth.

A file names other records (`carillon.SendTask`) instead of repeating them. `expanded` puts each definition
where its name first stands, as Avro wants it: that form is fingerprinted, published to `carillon.schemas` and
kept in `schemas/avro/released/`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from fastavro.schema import fingerprint as fastavro_fingerprint
from fastavro.schema import parse_schema, to_parsing_canonical_form

NAMESPACE = "carillon"
MARKER = b"\xc3\x01"
"""First bytes of Avro's single-object encoding; JSON can never begin so."""

AvroSchema = dict[str, Any]


@cache
def record_schema(name: str) -> AvroSchema:
    """The schema of one record as its file has it. `KeyError` when there is no such file."""
    file = files("schemas").joinpath("avro", f"{name}.avsc")
    if not file.is_file():
        raise KeyError(f"schemas/avro/{name}.avsc is missing: every record has one")
    schema: AvroSchema = orjson.loads(file.read_bytes())
    return schema


def record_names() -> list[str]:
    """Names of all records that have a schema, sorted."""
    folder = files("schemas").joinpath("avro")
    return sorted(file.name.removesuffix(".avsc") for file in folder.iterdir() if file.name.endswith(".avsc"))


@cache
def expanded(name: str) -> AvroSchema:
    """The schema of one record with the records it names written out."""
    result: AvroSchema = _expand(record_schema(name), set())
    return result


def _expand(schema: Any, known: set[str]) -> Any:  # noqa: PLR0911 - a return for each kind of schema
    match schema:
        case str() if schema.startswith(f"{NAMESPACE}."):
            if schema in known:
                return schema
            return _expand(record_schema(schema.removeprefix(f"{NAMESPACE}.")), known)
        case list():
            return [_expand(branch, known) for branch in schema]
        case {"type": "record", "name": name, "fields": fields}:
            known.add(f"{NAMESPACE}.{name}")
            return schema | {"fields": [field | {"type": _expand(field["type"], known)} for field in fields]}
        case {"type": "array", "items": inner}:
            return schema | {"items": _expand(inner, known)}
        case {"type": "map", "values": inner}:
            return schema | {"values": _expand(inner, known)}
        case _:
            return schema


def fingerprint(schema: AvroSchema) -> bytes:
    """CRC-64-AVRO of the schema's canonical form: the 8 bytes of single-object encoding, lowest first."""
    return bytes.fromhex(fastavro_fingerprint(to_parsing_canonical_form(parse_schema(schema)), "CRC-64-AVRO"))


def schema_text(name: str) -> bytes:
    """The expanded schema as JSON, as `carillon.schemas` holds it."""
    return orjson.dumps(expanded(name))


def snapshot() -> bytes:
    """All schemas of this version, by record: the content of `schemas/avro/released/<version>.json`."""
    schemas = {name: expanded(name) for name in record_names()}
    return orjson.dumps(schemas, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def internal_schemas() -> list[tuple[bytes, bytes]]:
    """Fingerprint and text of every schema we write: the records of `carillon.schemas`."""
    return [(fingerprint(expanded(name)), schema_text(name)) for name in record_names()]
