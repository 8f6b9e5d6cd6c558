"""May a record written with one schema be read with another? Avro's resolution rules, without reading a byte.

Full-transitive compatibility = every version reads every other: a new field needs a default, a removed one
had one, a type never changes. A contract test asks this of all released versions (`schemas/avro/released/`).
"""

from __future__ import annotations

from typing import Any

_WIDER = {("int", "long"), ("int", "double"), ("long", "double")}


def conflicts(writer: Any, reader: Any) -> list[str]:
    """Why `reader` cannot read what `writer` wrote, as paths with a reason; empty when it can.

    Both schemas are expanded (`schemas.avro_files.expanded`).
    """
    return _compare(writer, reader, "", (_Names(writer), _Names(reader)))


class _Names:
    """The records defined inside one schema, by full name."""

    def __init__(self, schema: Any) -> None:
        self.records: dict[str, Any] = {}
        self._collect(schema)

    def _collect(self, schema: Any) -> None:
        match schema:
            case {"type": "record", "name": name, "fields": fields}:
                self.records[f"{schema.get('namespace', '')}.{name}".lstrip(".")] = schema
                for field in fields:
                    self._collect(field["type"])
            case {"type": "array", "items": inner} | {"type": "map", "values": inner}:
                self._collect(inner)
            case list():
                for branch in schema:
                    self._collect(branch)
            case _:
                pass

    def whole(self, schema: Any) -> Any:
        """A name's definition; `long` for {"type": "long"}."""
        match schema:
            case str():
                return self.records.get(schema, schema)
            case {"type": str() as plain} if plain not in {"record", "array", "map"}:
                return plain
            case _:
                return schema


def _compare(  # noqa: PLR0911 - a return for each pair of kinds
    writer: Any, reader: Any, path: str, names: tuple[_Names, _Names]
) -> list[str]:
    written, wanted = names[0].whole(writer), names[1].whole(reader)
    match written, wanted:
        case list(), _:
            return [text for branch in written for text in _compare(branch, reader, path, names)]
        case _, list():
            if any(not _compare(writer, branch, path, names) for branch in wanted):
                return []
            return [f"{path}: no branch of the union takes what was written"]
        case {"type": "record"}, {"type": "record"}:
            return _compare_records(written, wanted, path, names)
        case {"type": "array", "items": one}, {"type": "array", "items": other}:
            return _compare(one, other, f"{path}[]", names)
        case {"type": "map", "values": one}, {"type": "map", "values": other}:
            return _compare(one, other, f"{path}{{}}", names)
        case str(), str() if written == wanted or (written, wanted) in _WIDER:
            return []
        case _:
            return [f"{path}: {_kind(written)} cannot be read as {_kind(wanted)}"]


def _compare_records(writer: Any, reader: Any, path: str, names: tuple[_Names, _Names]) -> list[str]:
    if writer["name"] != reader["name"]:
        return [f"{path}: record {writer['name']} cannot be read as {reader['name']}"]
    written = {field["name"]: field["type"] for field in writer["fields"]}
    found: list[str] = []
    for field in reader["fields"]:
        place = f"{path}.{field['name']}"
        if field["name"] in written:
            found += _compare(written[field["name"]], field["type"], place, names)
        elif "default" not in field:
            found.append(f"{place}: not written, and without a default")
    return found


def _kind(schema: Any) -> str:
    return str(schema["type"] if isinstance(schema, dict) else schema)
