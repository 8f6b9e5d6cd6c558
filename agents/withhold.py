"""What is chosen in the name of a user who was deleted: kept for a registration that is late, told to nobody.

consumes  PreferenceChanged of a time after the deletion; ContactChanged of the registration
keeps     preferences: the choice, for as long as the row of the deletion
emits     PreferenceRow: of a consent at once, under the person's keyed name, for it is evidence; of what is
          in force when the user is back

A registration and the choices behind it travel on different topics, so a choice may come first. A list of
another system, or an old link, may speak of somebody who never comes back, too: then it ends by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.forbid import CONSENTS, UNKNOWN, next_version, row_of
from schemas.ids import subject_key
from schemas.records import PreferenceChanged
from schemas.words import PreferenceKind
from tables.erased import KEEP_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.ports import Table
    from schemas.records import PreferenceRow
    from tables.preferences import Preferences


def withhold(
    value: PreferenceChanged, person: str, preferences: Table[bytes, Preferences], now: int
) -> list[PreferenceRow]:
    """Take the choice in; a row for what must be proved, under the name `person`."""
    key = subject_key(value.user_id)
    before = preferences.get(key) or UNKNOWN
    merged = before.merge(value)
    if merged != before:
        after = replace(merged, version=next_version(before, now))
        preferences.put(key, after, expires_at=now + KEEP_MS)
    return [row_of(replace(value, user_id=person))] if value.kind in CONSENTS else []


def welcome(user_id: str, preferences: Table[bytes, Preferences]) -> list[PreferenceRow]:
    """He is back: what was chosen since is in force and ends no more; its rows."""
    key = subject_key(user_id)
    chosen = preferences.get(key)
    if chosen is None or chosen.is_blank:
        return []
    preferences.put(key, chosen)
    return [row_of(change) for change in _changes(user_id, chosen)]


def _changes(user_id: str, chosen: Preferences) -> Iterator[PreferenceChanged]:
    """The facts that say all of it; what was written beside them is not kept."""
    for code, one in chosen.types.items():
        yield PreferenceChanged(
            user_id=user_id,
            kind=PreferenceKind.TYPE,
            changed_at=one.at,
            notification_type=code,
            channels=one.channels,
            is_enabled=one.is_enabled,
        )
    for channel, switch in chosen.unsubscribed.items():
        kind = PreferenceKind.UNSUBSCRIBED if switch.is_on else PreferenceKind.RESUBSCRIBED
        yield PreferenceChanged(user_id=user_id, kind=kind, changed_at=switch.at, channel=channel)
    for name, switch in chosen.consents.items():
        kind = PreferenceKind.CONSENT_GRANTED if switch.is_on else PreferenceKind.CONSENT_REVOKED
        purpose, _, channel = name.rpartition("/")
        yield PreferenceChanged(
            user_id=user_id, kind=kind, changed_at=switch.at, purpose=purpose, channel=channel or None
        )
    if chosen.quiet is not None:
        kind = PreferenceKind.QUIET_HOURS_CHANGED
        hours = chosen.quiet.hours
        yield PreferenceChanged(user_id=user_id, kind=kind, changed_at=chosen.quiet.at, quiet=hours)
