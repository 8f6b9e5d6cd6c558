"""How changes of preferences become columns: the last of each kind and name, all consents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.words import PreferenceKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.records import PreferenceRow

KIND = PreferenceKind


def statements(rows: Sequence[PreferenceRow]) -> Iterator[tuple[str, list[list[Any]]]]:
    """Names of queries with their columns, in the order of writing; given in the order of the topic."""
    types = {(r.user_id, r.notification_type): r for r in rows if r.kind == KIND.TYPE}
    switches = {(r.user_id, r.channel): r for r in rows if r.kind in {KIND.UNSUBSCRIBED, KIND.RESUBSCRIBED}}
    off = [r for r in switches.values() if r.kind == KIND.UNSUBSCRIBED]
    on = [r for r in switches.values() if r.kind == KIND.RESUBSCRIBED]
    consents = {r.event_id: r for r in rows if r.kind in {KIND.CONSENT_GRANTED, KIND.CONSENT_REVOKED}}
    yield (
        "write_preferences",
        _columns(
            (r.user_id, r.notification_type, ",".join(r.channels), r.is_enabled, r.changed_at)
            for r in types.values()
        ),
    )
    yield "delete_unsubscribes", _columns((r.user_id, r.channel, r.changed_at) for r in on)
    yield "write_unsubscribes", _columns((r.user_id, r.channel, r.note, r.changed_at) for r in off)
    yield (
        "write_consents",
        _columns(
            (
                r.event_id,
                r.user_id,
                r.purpose or "marketing",
                r.channel,
                "granted" if r.kind == KIND.CONSENT_GRANTED else "revoked",
                r.changed_at,
                r.note,
                r.text_version,
            )
            for r in consents.values()
        ),
    )


def _columns(rows: Iterator[tuple[Any, ...]]) -> list[list[Any]]:
    """Empty when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)]
