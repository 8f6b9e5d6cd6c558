"""Timers and effects as rows of two hidden tables of every stage (design rules 14, 15).

A timer row is ordered by due time; an effect row says that a call may have begun. Both leave in the
transaction that handles what became of them, so each fires or answers exactly once.

Timer key: 254 + due ms (8) + id. Effect key: 253 + id. Value: headers and payload (`pack`). An effect's
payload starts with one byte: 0 = may have begun, 1 = surely not begun (written by an orderly close, which
adds a header with the effect's place among those).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.engine.api import LATER, Event
from streams.engine.store import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.engine.api import Headers, ToEffect, ToTimer
    from streams.engine.store import Store
    from streams.engine.tables import Overlay

TIMER = b"\xfe"
EFFECT = b"\xfd"
MAY_HAVE_BEGUN, NOT_BEGUN = b"\0", b"\1"
PLACE = "engine-place"

_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(tuple[tuple[tuple[str, bytes], ...], bytes])


def pack(headers: Headers, payload: bytes) -> bytes:
    """Headers travel with a timer or effect, so a trace does not end at a wait."""
    return _packer.encode((headers, payload))


def unpack(row: bytes) -> tuple[Headers, bytes]:
    """Undo `pack`."""
    return _unpacker.decode(row)


def set_timer(route: ToTimer, outcome: object, headers: Headers, overlay: Overlay) -> int:
    """Write the timer's row, or its end; returns when it is due (ms)."""
    at = max(0, route.at(outcome))
    key, payload = TIMER + stamp(at) + route.id(outcome), route.encode(outcome)
    if payload is None:
        overlay.delete(key)
    else:
        overlay.put(key, pack(headers, payload))
    return at


def record_effect(
    route: ToEffect, outcome: object, headers: Headers, overlay: Overlay
) -> tuple[bytes, bytes] | None:
    """Write the effect's intent; returns its id and payload, None when the very same call is open already.

    `ValueError` for another call under the id of an open one: its result could not be told from the other's.
    """
    effect_id, payload = route.id(outcome), route.encode(outcome)
    row = overlay.get(EFFECT + effect_id)
    if row is None:
        note_effect(effect_id, MAY_HAVE_BEGUN, headers, payload, overlay)
        return effect_id, payload
    if unpack(row[1:])[1] == payload:
        return None
    raise ValueError(f"effect {effect_id!r} is open with another call")


def note_effect(effect_id: bytes, begun: bytes, headers: Headers, payload: bytes, overlay: Overlay) -> None:
    """Write what is known of an open effect: `MAY_HAVE_BEGUN` or `NOT_BEGUN`."""
    overlay.put(EFFECT + effect_id, begun + pack(headers, payload))


def note_not_begun(effects: Iterable[tuple[bytes, Headers, bytes]], overlay: Overlay) -> None:
    """Write of each of these that it was surely not begun, and their order."""
    for place, (effect_id, headers, payload) in enumerate(effects):
        note_effect(effect_id, NOT_BEGUN, (*headers, (PLACE, stamp(place))), payload, overlay)


def settle(event: Event, overlay: Overlay) -> None:
    """The event of a timer or effect is being handled: its row (`event.key`) ends with this batch."""
    overlay.delete(event.key)


def effect_of(event: Event) -> bytes:
    """Id of the effect whose result this is; empty for all other events."""
    return event.key[len(EFFECT) :] if not event.topic and event.key.startswith(EFFECT) else b""


def due_timers(store: Store, bound: int, now: int, limit: int) -> tuple[list[Event], int]:
    """At most `limit` timers due at `now`, not decoded yet, from the bound (ms) on; the next bound.

    The bound spares the scan of tombstones of timers that fired before (160 ms per million).
    """
    events: list[Event] = []
    for key, raw in store.scan(b"t", TIMER + stamp(bound), TIMER + stamp(now + 1)):
        headers, payload = unpack(raw[8:])
        events.append(Event(LATER, key, now, headers, "", -1, -1, payload))
        if len(events) >= limit:
            return events, int.from_bytes(key[1:9], "big")
    return events, now + 1


def next_timer(store: Store, bound: int) -> int | None:
    """When the next timer is due (ms), None without one."""
    for key, _ in store.scan(b"t", TIMER + stamp(bound), TIMER + b"\xff" * 9):
        return int.from_bytes(key[1:9], "big")
    return None


def open_effects(store: Store) -> list[tuple[bytes, bool, Headers, bytes]]:
    """Effects recorded without a result: id, whether they may have begun, headers, payload.

    Those that were not begun come last, in the order in which they were to begin.
    """
    found = []
    for key, raw in store.scan(b"t", EFFECT, TIMER):
        headers, payload = unpack(raw[9:])
        place = b""
        if headers and headers[-1][0] == PLACE:
            *before, (_, place) = headers
            headers = tuple(before)
        found.append((place, (key[1:], raw[8:9] == MAY_HAVE_BEGUN, headers, payload)))
    return [effect for _, effect in sorted(found, key=lambda one: one[0])]
