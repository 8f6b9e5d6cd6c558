"""Bytes of topics: inputs of other services, Avro of our own and of other versions, schemas, times."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import fastavro
import msgspec
import orjson
from hypothesis import strategies as st

from schemas import records as r
from schemas.avro_files import MARKER, expanded
from schemas.codec import Decoder, SchemaBook, encode, own_fingerprint
from schemas.errors import DecodeError, SchemaConflictError, UnknownSchemaError
from schemas.inputs import domain_events, send_requests, user_events
from schemas.times import parse_rfc3339, rfc3339
from tables.contacts import Contacts
from tables.preferences import Preferences
from tables.progress import Progress
from tables.requests import Taken
from tables.seen import Seen
from tables.totals import Totals
from tests.fuzz.target import Target
from tests.strategies import JSON, records

if TYPE_CHECKING:
    from schemas.inputs import InputDecoder

TYPES: list[type[msgspec.Struct]] = [
    *(
        kind
        for kind in vars(r).values()
        if isinstance(kind, type) and issubclass(kind, r.Record) and kind is not r.Record
    ),
    *(Contacts, Preferences, Progress, Seen, Taken, Totals),
]
"""All records: of topics, timers and calls, and rows of tables."""
INPUTS: dict[str, InputDecoder] = {
    "requests": send_requests(),
    "events": domain_events(),
    "users": user_events(),
}
USER = "0F8FAD5B-d9cb-469f-a165-70867728950e"
WORDS = st.sampled_from(
    [USER, "user.updated", "user.unsubscribed", "user.preference_changed", "email", "high"]
)
FIELDS = st.sampled_from(
    [
        "user_id",
        "event_type",
        "notification_type",
        "idempotency_key",
        "data",
        "priority",
        "language",
        "scheduled_at",
        "devices",
        "allowed_channels",
    ]
)
ODD = st.sampled_from(
    [
        b"\\ud800",
        b"\\u0000",
        b"1e999",
        b"-0.0",
        b"NaN",
        b"9" * 5000,
        b"[" * 5000,
        b'{"a":' * 500,
        b"\xff",
        b"\0",
    ]
)
VARINTS = st.sampled_from(
    [b"\0", b"\1", b"\2", b"\3", b"\x7f", b"\x80", b"\xff", b"\xff" * 9, b"\xff" * 9 + b"\1"]
)
OURS = Decoder(*TYPES)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes], pieces: st.SearchStrategy[bytes]) -> bytes:
    """Bytes that were good, with pieces put in, taken out or exchanged."""
    raw = draw(whole)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(raw)))
        raw = raw[:start] + draw(pieces) + raw[start + draw(st.integers(0, 4)) :]
    return raw


JSON_INPUTS = st.dictionaries(FIELDS, JSON | WORDS | st.dictionaries(FIELDS, JSON | WORDS)).map(
    msgspec.json.encode
)
AVRO_INPUTS = st.one_of(records(r.SendRequest), records(r.DomainEvent)).map(encode)
AVRO = st.sampled_from(TYPES).flatmap(records).map(encode)
HEADED = st.builds(
    lambda kind, rest: MARKER + own_fingerprint(kind) + rest,
    st.sampled_from(TYPES),
    st.binary() | st.lists(VARINTS).map(b"".join),
)


def check_input(given: tuple[str, bytes]) -> None:
    """A record that can be written and read again, or a word that it is none."""
    name, raw = given
    try:
        record = INPUTS[name](raw)
    except (DecodeError, UnknownSchemaError):
        return
    assert record.user_id == record.user_id.lower()
    assert record == INPUTS[name](encode(record))


def check_avro(raw: bytes) -> None:
    """As above, for what our own stages write to each other, and what else may stand there."""
    try:
        record = OURS(raw)
    except (DecodeError, UnknownSchemaError):
        return
    assert encode(OURS(encode(record))) == encode(record)


ADDED = [
    {"name": "added_text", "type": ["null", "string"], "default": None},
    {"name": "added_map", "type": {"type": "map", "values": "long"}, "default": {}},
    {"name": "added_list", "type": {"type": "array", "items": "double"}, "default": []},
]


def _later(kind: type) -> dict[str, Any]:
    """The schema of a later version: fields that nobody here knows."""
    schema = expanded(kind.__name__)
    return {**schema, "fields": [*ADDED, *schema["fields"]]}


BOOK = SchemaBook()
LATER = {kind: BOOK.learn(orjson.dumps(_later(kind))) for kind in TYPES}
OTHERS = Decoder(*TYPES, book=BOOK)
FOREIGN = st.builds(
    lambda kind, rest: MARKER + LATER[kind] + rest, st.sampled_from(TYPES), st.lists(VARINTS).map(b"".join)
)


@st.composite
def written_later(draw: st.DrawFn) -> bytes:
    """What a later version writes: its new fields first, then ours."""
    kind = draw(st.sampled_from(TYPES))
    stream = io.BytesIO()
    schema = {"type": "record", "name": "Added", "fields": ADDED}
    fastavro.schemaless_writer(
        stream, schema, {"added_text": draw(st.text()), "added_map": {"a": 1}, "added_list": []}
    )
    return MARKER + LATER[kind] + stream.getvalue() + encode(draw(records(kind)))[len(MARKER) + 8 :]


def check_later(raw: bytes) -> None:
    """Avro of a later version is a record of ours or an error of the words."""
    with suppress(DecodeError, UnknownSchemaError):
        encode(OTHERS(raw))


KINDS: st.SearchStrategy[Any] = st.sampled_from(
    ["string", "long", "null", "bytes", "record", "nothing", "carillon.Address"]
)
SCHEMAS = st.fixed_dictionaries(
    {"type": st.just("record") | KINDS},
    optional={
        "name": st.sampled_from([kind.__name__ for kind in TYPES]) | st.text(max_size=5) | JSON,
        "namespace": st.just("carillon") | st.text(max_size=5),
        "fields": JSON
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "name": st.sampled_from(["user_id", "data"]) | st.text(max_size=5) | JSON,
                    "type": KINDS | JSON | st.lists(KINDS, max_size=3),
                    "default": JSON,
                },
            ),
            max_size=4,
        ),
    },
)


def check_schema(given: tuple[bytes, bytes]) -> None:
    """What stands in `carillon.schemas` is learned or refused; records of what was learned are told apart."""
    text, rest = given
    book = SchemaBook()
    try:
        key = book.learn(text)
    except ValueError:
        return
    with suppress(DecodeError, SchemaConflictError):
        Decoder(*TYPES, book=book)(MARKER + key + rest)


def check_time(text: str) -> None:
    """A time that comes out is the same when it is written and read once more."""
    try:
        at = parse_rfc3339(text)
    except ValueError:
        return
    assert at == parse_rfc3339(rfc3339(at))


TIMES = st.from_regex(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{0,12})?([Zz]|[+-]\d\d:\d\d)") | st.text()
TARGETS = [
    Target.of(
        "inputs",
        "records of other services, JSON or Avro",
        st.tuples(
            st.sampled_from(sorted(INPUTS)),
            damaged(JSON_INPUTS, ODD | st.binary(max_size=4)) | damaged(AVRO_INPUTS, VARINTS) | st.binary(),
        ),
        check_input,
    ),
    Target.of(
        "avro",
        "records of our own topics and tables",
        damaged(AVRO, VARINTS | st.binary(max_size=4)) | HEADED,
        check_avro,
    ),
    Target.of(
        "later-avro",
        "records of a later version, read by its schema",
        damaged(written_later(), VARINTS | st.binary(max_size=4)) | FOREIGN,
        check_later,
    ),
    Target.of(
        "schemas",
        "what stands in carillon.schemas, and records that name it",
        st.tuples((SCHEMAS | JSON).map(msgspec.json.encode) | st.binary(), st.binary(max_size=8)),
        check_schema,
    ),
    Target.of("times", "RFC 3339", TIMES, check_time),
]
