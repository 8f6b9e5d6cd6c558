"""Invariants of the codec: what is written is read, and no bytes break it in a way that is not its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import records as r
from schemas.codec import HEAD, Decoder, encode
from schemas.errors import DecodeError, UnknownSchemaError
from schemas.inputs import domain_events, send_requests, user_events
from tests.strategies import JSON, records

if TYPE_CHECKING:
    from schemas.inputs import InputDecoder

TYPES = [
    kind
    for kind in vars(r).values()
    if isinstance(kind, type) and issubclass(kind, r.Record) and kind is not r.Record
]
DECODE = Decoder(*TYPES)
INPUTS = [send_requests(), domain_events(), user_events()]


@given(st.sampled_from(TYPES).flatmap(records))
def test_every_record_comes_back(record: r.Record) -> None:
    assert record == DECODE(encode(record))


@given(st.sampled_from(TYPES).flatmap(records), st.data())
def test_a_broken_record_is_a_record_or_a_decode_error(record: r.Record, data: st.DataObject) -> None:
    raw = bytearray(encode(record))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DecodeError, UnknownSchemaError):
        DECODE(bytes(raw[: data.draw(st.integers(HEAD, len(raw)))]))


@given(st.sampled_from(INPUTS), st.binary() | st.binary().map(lambda tail: b"\xc3\x01" + tail))
def test_any_bytes_are_an_input_or_a_decode_error(decode: InputDecoder, raw: bytes) -> None:
    with suppress(DecodeError, UnknownSchemaError):
        decode(raw)


USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
FIELDS = st.sampled_from(
    ["user_id", "event_type", "notification_type", "idempotency_key", "data", "priority"]
)


@given(st.sampled_from(INPUTS), st.dictionaries(FIELDS, JSON | st.just(USER) | st.just("user.updated")))
@example(INPUTS[2], {"event_type": "user.updated", "user_id": USER, "data": {"devices": {}}})
def test_any_json_is_an_input_or_a_decode_error(decode: InputDecoder, fields: dict[str, Any]) -> None:
    raw = msgspec.json.encode(fields)
    try:
        record = decode(raw)
    except DecodeError:
        return
    assert USER == record.user_id
    assert record == decode(encode(record))
