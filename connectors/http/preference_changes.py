"""From a body of the preferences API to the event that states it; what it may not say is a `ProblemError`.

The events are those of `user.events`, so all ways in are one (NS-PREF-OP-07).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.http.preference_forms import Choice, Setting
from connectors.http.problems import Code, Fault, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.choices import Kind, Stored


def check(choices: Sequence[Choice], kinds: Mapping[str, Kind]) -> None:
    """`ProblemError`: 404 for an unknown type, 400 for a repeated one or an emptied mandatory one."""
    if [one for one in choices if one.notification_type not in kinds]:
        raise ProblemError(Code.NOT_FOUND)
    faults: list[Fault] = []
    seen: set[str] = set()
    for place, choice in enumerate(choices):
        code, channels = choice.notification_type, choice.allowed_channels
        if code in seen:
            faults.append(Fault(f"/preferences/{place}/notification_type", "stands here twice"))
        seen.add(code)
        if len(set(channels)) < len(channels):
            faults.append(Fault(f"/preferences/{place}/allowed_channels", "has a channel twice"))
        kind = kinds[code]
        if kind.is_mandatory and not (choice.is_enabled and set(channels) & set(offered(kind))):
            text = "is mandatory: it stays on, with at least one of its channels (NS-PREF-OP-03)"
            faults.append(Fault(f"/preferences/{place}", text))
    if faults:
        raise ProblemError(Code.INVALID_FIELD, faults)


def changed(choices: Sequence[Choice]) -> tuple[str, dict[str, Any]]:
    """Event type and data of them all: one record, so all or none."""
    listed = [
        {
            "notification_type": choice.notification_type,
            "allowed_channels": choice.allowed_channels,
            "is_enabled": choice.is_enabled,
            "source": choice.source,
        }
        for choice in choices
    ]
    return "user.preferences_changed", {"preferences": listed}


def offered(kind: Kind) -> list[str]:
    """The channels that a type uses."""
    return list(dict.fromkeys((*kind.default_channels, *kind.fallback_channels)))


def setting(kind: Kind, stored: Stored, choice: Choice | None = None) -> Setting:
    """A type with what the user chose for it: just now, or before, or nothing."""
    known = stored.types.get(kind.code)
    channels: list[str] = kind.default_channels
    is_enabled = True
    if choice is not None:
        channels, is_enabled = list[str](choice.allowed_channels), choice.is_enabled
    elif known is not None:
        channels, is_enabled = known.channels, known.is_enabled
    return Setting(
        notification_type=kind.code,
        title=kind.title,
        category=kind.category,
        is_mandatory=kind.is_mandatory,
        available_channels=offered(kind),
        allowed_channels=channels,
        is_enabled=is_enabled,
        is_default=choice is None and known is None,
    )
