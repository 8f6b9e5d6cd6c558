"""What a change of a user's choices, or his deletion, forbids of the messages that wait already.

consumes  PreferenceChanged, ContactChanged of a deletion, CancelAsked, devices that went off; what was known
keeps     preferences: with each change its version grows
emits     Vetoed, for every delivery stage (NS-PREF-OP-04); PreferenceRow, for Postgres; Unsubscribed, for
          events and statistics, when a user leaves what he had not left

A message is made in the task of its user, so its `preferences_version` says exactly whether it was made
before or after a change; clocks alone do not. A version is the time of its change, or one more than the one
before if that is not less: where a row lost its version, what delivery knows is older all the same. Grants
and re-subscribes forbid nothing and are not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.ids import derived, subject_key
from schemas.records import PreferenceRow, Unsubscribed, Vetoed
from schemas.veto_words import VetoScope
from schemas.words import PreferenceKind
from tables.erased import KEEP_MS as ERASED_MS
from tables.preferences import Preferences
from tables.vetoes import KEEP_MS, takes_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.ports import Table
    from schemas.records import CancelAsked, ContactChanged, PreferenceChanged

UNKNOWN = Preferences()
CONSENTS = frozenset({PreferenceKind.CONSENT_GRANTED, PreferenceKind.CONSENT_REVOKED})
FORBIDDING = frozenset({PreferenceKind.TYPE, PreferenceKind.UNSUBSCRIBED, PreferenceKind.CONSENT_REVOKED})


def change(
    value: PreferenceChanged, preferences: Table[bytes, Preferences], now: int
) -> list[Vetoed | PreferenceRow | Unsubscribed]:
    """Take a change in; its row, and the veto if it forbids anything. What is known already changes nothing.

    A consent that came late is evidence all the same, of what was in force before a newer one.
    """
    key = subject_key(value.user_id)
    before = preferences.get(key) or UNKNOWN
    merged = before.merge(value)
    if merged == before:
        return [row_of(value)] if value.kind in CONSENTS else []
    after = replace(merged, version=next_version(before, now))
    preferences.put(key, after)
    if value.kind not in FORBIDDING:
        return [row_of(value)]
    return [
        row_of(value),
        *_left(value, before),
        _told(_veto(value.user_id, VetoScope.CHOICES, after.version, now), after),
    ]


def _left(value: PreferenceChanged, before: Preferences) -> list[Unsubscribed]:
    channel = value.channel or ""
    if value.kind != PreferenceKind.UNSUBSCRIBED or before.is_unsubscribed(channel):
        return []
    return [
        Unsubscribed(
            event_id=row_of(value).event_id,
            user_id=value.user_id,
            channel=channel,
            at=value.changed_at,
            reason=value.reason,
            campaign=value.campaign,
        )
    ]


def fold(veto: Vetoed, kept: dict[str, Vetoed]) -> list[Vetoed]:
    """What of a batch must be told now: a veto is kept back, as a later one of its user says all it says.

    A screen with many boxes is many changes, and each veto has all choices. One that a later change takes
    back is told, too: what waited when a user left is not sent although he comes back.
    """
    if veto.scope != VetoScope.CHOICES:
        return [veto]
    last = kept.get(veto.user_id)
    kept[veto.user_id] = veto
    return [last] if last is not None and takes_back(last, veto) else []


def erase(deletion: ContactChanged, preferences: Table[bytes, Preferences], now: int) -> list[Vetoed]:
    """Nothing that waits for a deleted user is sent; what follows a later registration is."""
    key = subject_key(deletion.user_id)
    before = preferences.get(key) or UNKNOWN
    after = replace(before.since(deletion.changed_at), version=next_version(before, now))
    preferences.put(key, after, expires_at=now + ERASED_MS)
    return [_veto(deletion.user_id, VetoScope.USER, after.version, now)]


def outlive(deletion: ContactChanged, preferences: Table[bytes, Preferences], now: int) -> list[Vetoed]:
    """He is back already: what he chose until he was deleted holds no longer, for what waits neither."""
    key = subject_key(deletion.user_id)
    before = preferences.get(key) or UNKNOWN
    left = before.since(deletion.changed_at)
    if left == before:
        return []
    after = replace(left, version=next_version(before, now))
    preferences.put(key, after)
    return [_told(_veto(deletion.user_id, VetoScope.CHOICES, after.version, now), after)]


def silence(
    user_id: str, devices: Sequence[str], preferences: Table[bytes, Preferences], now: int
) -> list[Vetoed]:
    """Pushes that wait for these devices are not sent; what is made after the devices came on again is.

    The choices are told along: a delivery stage of an earlier version takes this for a change of them.
    """
    if not devices:
        return []
    key = subject_key(user_id)
    before = preferences.get(key) or UNKNOWN
    after = replace(before, version=next_version(before, now))
    preferences.put(key, after)
    veto = _told(_veto(user_id, VetoScope.DEVICE, after.version, now), after)
    return [replace(veto, device_id=device_id) for device_id in devices]


def cancel(asked: CancelAsked, now: int) -> Vetoed:
    """The veto against the messages of one request that are made already; the others are never made."""
    veto = _veto(asked.user_id, VetoScope.REQUEST, 0, now)
    return replace(veto, request_id=asked.request_id, source=asked.source)


def next_version(before: Preferences, now: int) -> int:
    """Of the choices after those, changed now."""
    return max(before.version + 1, now)


def row_of(value: PreferenceChanged) -> PreferenceRow:
    """The change for Postgres."""
    named = (value.kind, value.notification_type or "", value.channel or "", value.purpose or "")
    return PreferenceRow(
        event_id=derived("preference", value.user_id, *named, str(value.changed_at)),
        user_id=value.user_id,
        kind=value.kind,
        changed_at=value.changed_at,
        notification_type=value.notification_type,
        channels=value.channels,
        is_enabled=value.is_enabled,
        channel=value.channel,
        purpose=value.purpose,
        note=value.reason,
        text_version=value.text_version,
        quiet=value.quiet,
    )


def _told(veto: Vetoed, chosen: Preferences) -> Vetoed:
    return replace(veto, types=chosen.types, unsubscribed=chosen.unsubscribed, consents=chosen.consents)


def _veto(user_id: str, scope: VetoScope, version: int, now: int) -> Vetoed:
    return Vetoed(user_id=user_id, scope=scope, at=now, expires_at=now + KEEP_MS, version=version)
