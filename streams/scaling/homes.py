"""Of a row in a changelog, the Kafka key of the records it came from: it says which task has the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from schemas import records as r
from schemas.codec import Decoder
from schemas.ids import bucket_key, bucket_of, subject_key
from streams.engine.inner import EFFECT, TIMER, unpack
from streams.stages import DELIVERY
from tables.erased import user_in
from tables.progress import Progress
from tables.shown import user_of
from tables.waits import Wait

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.codec import SchemaBook

DIGEST = 1 + 16
"""What stands behind the user's key in a key of `requests`, `pending` and `cancelled`."""
EXPIRY, BEGUN = 8, 1

Home = Callable[[bytes, bytes], bytes]
"""Row key without its table's number, and payload → Kafka key."""


class HomelessError(ValueError):
    """A row whose key nobody can tell."""


def homes(stage: str, book: SchemaBook) -> Callable[[bytes, bytes], bytes]:
    """`(row key, row value) → Kafka key` for a stage that keeps state; `HomelessError` for an unknown row.

    `book`: schemas of earlier versions of the rows.
    """
    known = _homes(book)[stage]

    def home(key: bytes, value: bytes) -> bytes:
        found = known.get(key[:1])
        if found is None:
            raise HomelessError(f"stage {stage}: no row is known by {key[:1]!r}")
        return found(key[1:], payload_of(key, value))

    return home


def payload_of(key: bytes, value: bytes) -> bytes:
    """The record of a row as it stands in a changelog."""
    if key[:1] == TIMER:
        return unpack(value[EXPIRY:])[1]
    return unpack(value[EXPIRY + BEGUN :])[1] if key[:1] == EFFECT else value[EXPIRY:]


def _homes(book: SchemaBook) -> dict[str, Mapping[bytes, Home]]:
    """By stage, and by the first byte of a row's key: a table's number, timers, effects."""
    delivery = {
        b"\1": lambda key, _: key,
        b"\2": lambda key, _: key[:-DIGEST],
        TIMER: _read(r.RetryDue, book, lambda due: subject_key(due.task.user_id)),
        EFFECT: _read(r.ProviderCall, book, lambda call: subject_key(call.task.user_id)),
    }
    return {
        "recipient": {
            b"\1": lambda key, _: key[:-DIGEST],
            b"\2": lambda key, _: key,
            b"\3": lambda key, _: key,
            b"\4": lambda key, _: key[:-DIGEST],
            b"\5": lambda key, _: key,
            b"\6": lambda key, _: key,
            b"\7": lambda key, _: key,
            b"\10": lambda key, _: key.rpartition(b"/")[0],
            EFFECT: _read(r.ContactsAsked, book, lambda call: subject_key(call.request.user_id)),
            TIMER: _read((r.RequestDue, r.DevicesDue), book, _waits_for),
        },
        "status": {
            b"\1": _read(Progress, book, lambda found: subject_key(found.queued.user_id)),
            b"\2": _read(Wait, book, lambda wait: subject_key(wait.plan.request.user_id)),
            b"\11": lambda key, _: user_in(key),
            TIMER: _read((r.FallbackDue, r.ErasureDue), book, lambda due: subject_key(due.user_id)),
        },
        "spending": {b"\1": lambda key, _: key},
        "stats": {
            b"\1": lambda key, _: key,
            TIMER: _read(r.StatsDue, book, lambda due: due.key.encode()),
        },
        "members": {
            b"\1": lambda key, _: bucket_key(bucket_of(key.decode())),
            b"\2": lambda key, _: bucket_key(int.from_bytes(key[:2], "big")),
            b"\3": lambda key, _: bucket_key(bucket_of(user_of(key))),
            b"\4": lambda key, _: bucket_key(int.from_bytes(key[:2], "big")),
            TIMER: _read(r.EntriesDue, book, lambda due: bucket_key(due.bucket)),
        },
        **dict.fromkeys(DELIVERY.values(), delivery),
    }


def _waits_for(due: r.RequestDue | r.DevicesDue) -> bytes:
    return subject_key(due.user_id if isinstance(due, r.DevicesDue) else due.request.user_id)


def _read(kind: type[Any] | tuple[type[Any], ...], book: SchemaBook, key: Callable[[Any], bytes]) -> Home:
    decode = Decoder(*(kind if isinstance(kind, tuple) else (kind,)), book=book)
    return lambda _, payload: key(decode(payload))
