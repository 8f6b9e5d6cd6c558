"""What other services write, read strictly: JSON as the spec gives it, or Avro; the first byte tells which.

Wrong types, missing fields, texts beyond their column and ids that are no UUID are a `DecodeError`. Unknown
fields are ignored and counted (NS-EVT-OP-02). User ids come out in lower case, so that one user is one key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from schemas import facts, topics
from schemas.avro_files import MARKER
from schemas.codec import Decoder
from schemas.errors import DecodeError, Fault
from schemas.records import CancelRequest, DomainEvent, SendRequest

if TYPE_CHECKING:
    from schemas.codec import SchemaBook
    from schemas.records import Record

MAX_BYTES = 512 * 1024
"""Longest input: what is made of it must fit into Kafka's usual 1 MiB together with the rendered content."""
MAX_DEPTH = 32
"""Deepest nesting of `data`; deeper values would fail later, in code that calls itself."""

_HIGH = re.compile(rb'"priority"\s*:\s*"high"')
_UUID = r"\A[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z"
UserId = Annotated[str, Meta(pattern=_UUID)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Key = Annotated[str, Meta(min_length=1, max_length=255)]


class _SendRequestForm(msgspec.Struct):
    user_id: UserId
    notification_type: Name
    idempotency_key: Key
    data: dict[str, Any] = {}
    priority: Annotated[str, Meta(max_length=20)] | None = None
    language: Annotated[str, Meta(max_length=10)] | None = None
    scheduled_at: Annotated[str, Meta(max_length=64)] | None = None
    channels: Annotated[list[Annotated[str, Meta(max_length=20)]], Meta(max_length=20)] | None = None
    campaign_label: Annotated[str, Meta(min_length=1, max_length=128)] | None = None


class _CancelRequestForm(msgspec.Struct):
    request_id: UserId
    user_id: UserId


class _DomainEventForm(msgspec.Struct):
    event_type: Name
    user_id: UserId
    data: dict[str, Any] = {}


Ignored = Callable[[int], object]


def _uncounted(_fields: int) -> None:
    """For callers that count nothing."""


class InputDecoder:
    """Reads one kind of input."""

    def __init__(
        self,
        record_type: type[Record],
        form: type[msgspec.Struct],
        check: Callable[[Any], object] = lambda _: None,
        book: SchemaBook | None = None,
        ignored: Ignored = _uncounted,
    ) -> None:
        """`ignored` hears how many fields of a JSON record nobody knows, where there are any."""
        self._ignored = ignored
        self._type = record_type
        self._form = form
        self._check = check
        self._json = msgspec.json.Decoder(form)
        self._avro = Decoder(record_type, book=book)
        self._fields = frozenset(field.name for field in msgspec.structs.fields(form))
        self._envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def __call__(self, raw: bytes | None) -> Any:
        """The record, or `DecodeError`; `UnknownSchemaError` for Avro of a schema not learned yet."""
        if not raw:
            raise DecodeError(Fault.EMPTY)
        if len(raw) > MAX_BYTES:
            raise DecodeError(Fault.TOO_LONG, f"{len(raw)} bytes, {MAX_BYTES} allowed")
        try:
            form = self._from_avro(raw) if raw[:2] == MARKER else self._from_json(raw)
            record = self._type(**{name: getattr(form, name) for name in form.__struct_fields__})
            self._check(record)
        except msgspec.ValidationError as error:
            raise DecodeError(Fault.WRONG_FIELD, str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DecodeError(Fault.NOT_JSON, type(error).__name__) from error
        except RecursionError as error:
            raise DecodeError(Fault.TOO_LONG, "nested too deeply") from error
        return record

    def _from_json(self, raw: bytes) -> Any:
        form = self._json.decode(raw)
        if unknown := self._envelope.decode(raw).keys() - self._fields:
            self._ignored(len(unknown))
        if may_be_odd(raw):
            check_values(msgspec.structs.asdict(form))
        return _lowered(form)

    def _from_avro(self, raw: bytes) -> Any:
        values = msgspec.structs.asdict(self._avro(raw))
        check_values(values)
        return _lowered(msgspec.convert(values, self._form))


def _lowered(form: Any) -> Any:
    form.user_id = form.user_id.lower()
    return form


def may_be_odd(raw: bytes) -> bool:
    """Whether JSON has to be looked through: a U+0000 is escaped in it, and depth takes brackets."""
    return b"\\u0000" in raw or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH


def check_values(value: Any, depth: int = 0) -> None:
    """`DecodeError` for a U+0000 anywhere, or a nesting that is too deep."""
    if depth > MAX_DEPTH:
        raise DecodeError(Fault.TOO_LONG, f"nested deeper than {MAX_DEPTH} levels")
    match value:
        case str() if "\0" in value:
            raise DecodeError(Fault.NUL_CHARACTER)
        case dict():
            for name, item in value.items():
                check_values(name, depth)
                check_values(item, depth + 1)
        case list():
            for item in value:
                check_values(item, depth + 1)
        case _:
            pass


def overtakes(raw: bytes) -> bool:
    """Whether a request is taken before all that lie before it: its priority is `high`, in JSON or Avro.

    By its bytes alone, for ever. Two stages read the topic and each record belongs to one of them: were their
    answers to differ, by version or by what either has learnt, a request would be nobody's. Bytes that only
    look so go first, too.
    """
    return (b'"high"' in raw and _HIGH.search(raw) is not None) or b"\x02\x08high" in raw


def send_requests(book: SchemaBook | None = None, ignored: Ignored = _uncounted) -> InputDecoder:
    """`notification.send.request` (NS-EVT-002)."""
    return InputDecoder(SendRequest, _SendRequestForm, book=book, ignored=ignored)


def cancel_requests(book: SchemaBook | None = None, ignored: Ignored = _uncounted) -> InputDecoder:
    """`notification.cancel.request`."""
    return InputDecoder(CancelRequest, _CancelRequestForm, book=book, ignored=ignored)


def domain_events(book: SchemaBook | None = None, ignored: Ignored = _uncounted) -> InputDecoder:
    """Events that rules may turn into requests (NS-EVT-006)."""
    return InputDecoder(DomainEvent, _DomainEventForm, book=book, ignored=ignored)


def user_events(book: SchemaBook | None = None, ignored: Ignored = _uncounted) -> InputDecoder:
    """`user.events`: as above, and the `data` of events that are facts has its form (`schemas.facts`)."""
    return InputDecoder(DomainEvent, _DomainEventForm, check=facts.others_fact_in, book=book, ignored=ignored)


def own_user_events(book: SchemaBook | None = None, ignored: Ignored = _uncounted) -> InputDecoder:
    """`notification.preferences`: the same as our own APIs write it."""
    return InputDecoder(DomainEvent, _DomainEventForm, check=facts.fact_in, book=book, ignored=ignored)


def decoder_of(topic: str, book: SchemaBook | None = None, ignored: Ignored = _uncounted) -> InputDecoder:
    """The decoder of one of the topics that other services write."""
    match topic:
        case topics.SEND_REQUEST:
            return send_requests(book, ignored)
        case topics.CANCEL_REQUEST:
            return cancel_requests(book, ignored)
        case topics.USER_EVENTS:
            return user_events(book, ignored)
        case topics.PREFERENCE_CHANGES:
            return own_user_events(book, ignored)
        case _:
            return domain_events(book, ignored)


def decode_send_request(raw: bytes) -> SendRequest:
    """One send request, for callers that count nothing."""
    record: SendRequest = send_requests()(raw)
    return record


def decode_domain_event(raw: bytes) -> DomainEvent:
    """One domain event, for callers that count nothing."""
    record: DomainEvent = domain_events()(raw)
    return record
