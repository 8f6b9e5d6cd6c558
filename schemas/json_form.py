"""The JSON Schema of a record's JSON form, made from its Avro schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from schemas.avro_files import AvroSchema

PLAIN: Final[dict[str, dict[str, Any]]] = {
    "string": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "long": {"type": "integer", "format": "int64"},
    "int": {"type": "integer", "format": "int32"},
    "boolean": {"type": "boolean"},
    "double": {"type": "number"},
}


def json_form(schema: AvroSchema) -> dict[str, Any]:
    """The schema of an expanded record. A field with a default may be absent; more may come in time."""
    return _Forms().of(schema)


class _Forms:
    """A record that stands twice is written out again where it is named: the form needs no other place."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of a value."""
        match kind:
            case {"logicalType": "json"}:
                return {"description": "Any JSON."}
            case str():
                return dict(PLAIN.get(kind) or self._known[kind])
            case ["null", other]:
                return {"anyOf": [{"type": "null"}, self.of(other)]}
            case {"type": "array", "items": items}:
                return {"type": "array", "items": self.of(items)}
            case {"type": "map", "values": values}:
                return {"type": "object", "additionalProperties": self.of(values)}
            case {"type": "record"}:
                return self._record(kind)
            case _:
                raise TypeError(f"no JSON form of {kind!r} is known")

    def _record(self, schema: AvroSchema) -> dict[str, Any]:
        fields = {field["name"]: self.of(field["type"]) for field in schema["fields"]}
        needed = [field["name"] for field in schema["fields"] if "default" not in field]
        found = {"type": "object", "description": schema["doc"], "properties": fields, "required": needed}
        self._known[f"{schema['namespace']}.{schema['name']}"] = found
        return found
