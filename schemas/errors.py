"""The error tree of the words.

    SchemaError
    ├── DecodeError             these bytes are no record of their topic, and never will be: a dead letter
    ├── UnknownSchemaError      written with a schema not learned yet: wait for `carillon.schemas`, then retry
    ├── EncodeError             a value does not fit its schema: a defect of ours
    └── SchemaConflictError     a schema cannot be read into the record of its name: wrong deployment

A `DecodeError` never carries data values, only the place and the kind of the fault: its text goes into
dead letters' headers and logs.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Why bytes are no record (a closed list: header `reason` of dead letters, label of metrics)."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    NOT_JSON = "not_json"
    NOT_AVRO = "not_avro"
    WRONG_FIELD = "wrong_field"
    NUL_CHARACTER = "nul_character"
    UNEXPECTED_RECORD = "unexpected_record"
    UNOPENED = "unopened"


FAULTS: dict[Fault, str] = {
    Fault.EMPTY: "The record has no value.",
    Fault.TOO_LONG: "The record is longer, or nested deeper, than allowed.",
    Fault.NOT_JSON: "The bytes are no JSON document in UTF-8.",
    Fault.NOT_AVRO: "The bytes begin like Avro but do not follow the schema they name.",
    Fault.WRONG_FIELD: "A field is missing or has a wrong type, form or length.",
    Fault.NUL_CHARACTER: "A text holds the character U+0000, which Postgres cannot store.",
    Fault.UNEXPECTED_RECORD: "A known record, but not one of those that belong into this topic.",
    Fault.UNOPENED: "It is sealed with a key that is not known here.",
}


class SchemaError(Exception):
    """Root of everything the words can complain of."""


class DecodeError(SchemaError):
    """The bytes can never be read. `reason` is of the closed list, `detail` names the place."""

    def __init__(self, reason: Fault, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class UnknownSchemaError(SchemaError):
    """The writer's schema is not known here. `fingerprint` is the key in `carillon.schemas` (8 bytes)."""

    def __init__(self, fingerprint: bytes) -> None:
        super().__init__(f"unknown Avro schema {fingerprint.hex()}")
        self.fingerprint = fingerprint


class EncodeError(SchemaError):
    """A value of ours does not fit its schema; the text names the record."""


class SchemaConflictError(SchemaError):
    """A learned schema cannot be resolved into our record."""


class UnopenedError(ValueError):
    """Sealed with a key that was withdrawn on purpose: nobody opens it ever. The text never holds clear.

    A key that is merely missing here is another error, which nobody takes for an end: it may come yet.
    """


class RenderFailedError(Exception):
    """A template could not be rendered (NS-SND-062). The text says why, without data values."""
