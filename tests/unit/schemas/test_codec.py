"""Records ⇄ bytes."""

from __future__ import annotations

from io import BytesIO

import orjson
import pytest
from fastavro import parse_schema, schemaless_writer
from msgspec.structs import replace

from schemas.avro_files import MARKER, expanded, fingerprint, schema_text
from schemas.codec import HEAD, Decoder, SchemaBook, compiled, encode, own_fingerprint
from schemas.errors import DecodeError, EncodeError, Fault, SchemaConflictError, UnknownSchemaError
from schemas.records import (
    ContactChanged,
    Device,
    RequestDue,
    RequestReceived,
    SeenPosted,
    StatsPartial,
)

REQUEST = RequestReceived(
    request_id="r1",
    source="shop",
    idempotency_key="k1",
    user_id="u1",
    notification_type="order_confirmation",
    lane="high",
    data=b'{"OrderNumber":"7"}',
    received_at=1_747_830_896_000,
    occurred_at=-1,
)
DUE = RequestDue(request=REQUEST, due_at=2**63 - 1, waited_for="contact")
CONTACTS = ContactChanged(
    user_id="u1",
    action="updated",
    changed_at=0,
    email=b"",
    devices=[Device(token=b"\x00\xff" * 9000, platform="ios"), Device(token=b"t", platform="web")],
)


@pytest.mark.parametrize("record", [REQUEST, DUE, CONTACTS], ids=["flat", "nested", "a list of records"])
def test_what_was_written_is_read(record: object) -> None:
    raw = encode(record)  # type: ignore[arg-type]
    assert record == Decoder(RequestReceived, RequestDue, ContactChanged)(raw)


def test_values_without_a_fixed_shape_survive() -> None:
    posted = SeenPosted(
        kind="client",
        tag="t",
        id="1",
        seen_at=1,
        received_at=2,
        user={"uid": 2**80, "bound_uids": [None, 1.5]},
    )
    assert posted == Decoder(SeenPosted)(encode(posted))


def test_counts_survive_as_a_map() -> None:
    partial = StatsPartial(
        period="hour",
        starts_at=0,
        channel_type=None,
        notification_type="x",
        category=None,
        provider_name=None,
        counts={"sent": 3, "доставлено": -1},
    )
    assert partial == Decoder(StatsPartial)(encode(partial))


def test_bytes_begin_with_the_marker_and_the_fingerprint_of_the_schema() -> None:
    raw = encode(REQUEST)
    assert MARKER + fingerprint(expanded("RequestReceived")) == raw[:HEAD]


def test_the_fingerprint_is_avros_own() -> None:
    # From the Avro specification: CRC-64-AVRO of "int" is 0x7275d51a3f395c8f, written lowest byte first.
    assert bytes.fromhex("7275d51a3f395c8f")[::-1] == fingerprint("int")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [replace(REQUEST, user_id=None), replace(REQUEST, received_at=2**63), replace(REQUEST, data="text")],
    ids=["none for a text", "more than 64 bits", "text for bytes"],
)
def test_a_value_that_does_not_fit_is_an_error_of_ours(wrong: RequestReceived) -> None:
    with pytest.raises(EncodeError, match="RequestReceived"):
        encode(wrong)


@pytest.mark.parametrize("cut", range(HEAD, len(encode(DUE)), 7))
def test_a_cut_record_is_refused(cut: int) -> None:
    with pytest.raises(DecodeError, match=Fault.NOT_AVRO):
        Decoder(RequestDue)(encode(DUE)[:cut])


def test_bytes_behind_a_record_are_refused() -> None:
    with pytest.raises(DecodeError, match=Fault.NOT_AVRO):
        Decoder(RequestDue)(encode(DUE) + b"\0")


def test_bytes_without_the_marker_are_refused() -> None:
    with pytest.raises(DecodeError, match=Fault.NOT_AVRO):
        Decoder(RequestDue)(b"{}")


def test_a_number_that_never_ends_is_refused_at_once() -> None:
    raw = encode(DUE)[:HEAD] + b"\xff" * 5_000
    with pytest.raises(DecodeError, match="ValueError"):  # not IndexError: it stops long before the end
        Decoder(RequestDue)(raw)


def test_a_schema_not_learned_yet_is_named() -> None:
    with pytest.raises(UnknownSchemaError) as caught:
        Decoder(RequestReceived)(encode(DUE))
    assert own_fingerprint(RequestDue) == caught.value.fingerprint


def _written_by_a_newer_version() -> tuple[bytes, bytes]:
    """(schema, record) of a service whose RequestReceived has a field more and `rule` is gone."""
    ours = expanded("RequestReceived")
    fields = [field for field in ours["fields"] if field["name"] != "rule"]
    schema = ours | {"fields": [*fields, {"name": "mood", "type": "string", "default": "good"}]}
    values = {
        **{name: getattr(REQUEST, name) for name in REQUEST.__struct_fields__},
        "mood": "bad",
    }
    out = BytesIO(MARKER + fingerprint(schema))
    out.seek(HEAD)
    schemaless_writer(out, parse_schema(schema), values)
    return orjson.dumps(schema), out.getvalue()


def test_what_another_version_wrote_is_read_once_its_schema_is_learned() -> None:
    schema, raw = _written_by_a_newer_version()
    book = SchemaBook()
    decode = Decoder(RequestReceived, book=book)
    with pytest.raises(UnknownSchemaError):
        decode(raw)
    assert raw[2:HEAD] == book.learn(schema)
    assert REQUEST == decode(raw)
    assert REQUEST == decode(raw)
    with pytest.raises(DecodeError, match=Fault.NOT_AVRO):
        decode(raw + b"\0")


def test_nested_records_of_another_version_become_records() -> None:
    ours = expanded("ContactChanged")
    schema = ours | {"fields": [*ours["fields"], {"name": "mood", "type": "string", "default": ""}]}
    out = BytesIO(MARKER + fingerprint(schema))
    out.seek(HEAD)
    devices = [{"token": b"t", "platform": "ios"}]
    schemaless_writer(
        out, parse_schema(schema), {"user_id": "u1", "action": "updated", "changed_at": 5, "devices": devices}
    )
    book = SchemaBook()
    book.learn(orjson.dumps(schema))
    expected = ContactChanged(
        user_id="u1", action="updated", changed_at=5, devices=[Device(token=b"t", platform="ios")]
    )
    assert expected == Decoder(ContactChanged, book=book)(out.getvalue())


def test_free_values_and_maps_of_another_version_are_read() -> None:
    posted = SeenPosted(kind="client", tag="t", id="1", seen_at=1, received_at=2, user={"uid": [1]})
    partial = StatsPartial(
        period="hour",
        starts_at=0,
        channel_type="email",
        notification_type=None,
        category=None,
        provider_name=None,
        counts={"sent": 1},
    )
    book = SchemaBook()
    for record in (posted, partial):
        ours = expanded(type(record).__name__)
        schema = ours | {"fields": [*ours["fields"], {"name": "mood", "type": "string", "default": ""}]}
        key = book.learn(orjson.dumps(schema))
        raw = MARKER + key + encode(record)[HEAD:] + b"\x00"
        assert record == Decoder(type(record), book=book)(raw)


def test_a_known_record_that_does_not_belong_here_is_refused() -> None:
    book = SchemaBook()
    book.learn(schema_text("RequestDue"))
    with pytest.raises(DecodeError, match=Fault.UNEXPECTED_RECORD):
        Decoder(RequestReceived, book=book)(encode(DUE))


def test_a_schema_that_cannot_be_resolved_is_a_conflict_not_a_bad_record() -> None:
    ours = expanded("RequestReceived")
    schema = ours | {"fields": [field for field in ours["fields"] if field["name"] != "user_id"]}
    book = SchemaBook()
    key = book.learn(orjson.dumps(schema))
    with pytest.raises(SchemaConflictError, match="user_id"):
        Decoder(RequestReceived, book=book)(MARKER + key)


@pytest.mark.parametrize("text", [b"3", b'"string"', b'{"type":"enum"}', b"[]", b"{"])
def test_only_records_are_learned(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"a record|JSON|EOF|unexpected"):
        SchemaBook().learn(text)


def test_compiled_forms_are_made_once() -> None:
    assert compiled(RequestDue) is compiled(RequestDue)
