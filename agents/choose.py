"""Which channels a notification may take: the decision list of NS-PREF-OP-05.

consumes  a notification type and what the user chose
keeps     nothing
emits     `Chosen` or `Dropped`, always with the rule and the value that decided
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemas.topics import DELIVERED_CHANNELS
from schemas.words import Category, Channel, Reason
from tables.preferences import ALL_MARKETING, MARKETING, Preferences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.records import ChosenType, NotificationType

NOTHING_CHOSEN = Preferences()


class Chosen(msgspec.Struct, frozen=True):
    """Channels to use together, and reserve channels to try in order when none of them works."""

    channels: tuple[str, ...]
    reserve: tuple[str, ...]
    rule: str
    value: str


class Dropped(msgspec.Struct, frozen=True):
    """No channel may be used."""

    reason: Reason
    rule: str
    value: str


def choose(kind: NotificationType, preferences: Preferences | None) -> Chosen | Dropped:
    """Apply the list from its top; the first rule that leaves nothing decides."""
    known = preferences or NOTHING_CHOSEN
    choice = known.choice(kind.code)
    if kind.is_mandatory:
        return _mandatory(kind, choice)
    wanted, rule = _wanted(kind, choice)
    if kind.category == Category.MARKETING:
        dropped = _refused_marketing(kind, known)
        if dropped:
            return dropped
    if choice and not choice.is_enabled:
        return Dropped(Reason.TYPE_DISABLED, "preferences.is_enabled", kind.code)
    reserve = [channel for channel in kind.fallback_channels if choice is None or channel in choice.channels]
    return _subscribed(kind, known, (wanted, reserve), rule)


def narrow(choice: Chosen, asked: Sequence[str] | None) -> Chosen | Dropped:
    """What the request's own list leaves of the choice: it restricts and never widens (NS-API-OP-16).

    A reserve channel is for a chosen one that reaches nobody; where the list leaves none, nothing is sent.
    """
    if asked is None:
        return choice
    channels = tuple(channel for channel in choice.channels if channel in asked)
    reserve = tuple(channel for channel in choice.reserve if channel in asked)
    if not channels:
        return Dropped(Reason.NO_CHANNEL_LEFT, "request.channels", ",".join(asked))
    return Chosen(channels, reserve, choice.rule, choice.value)


def _wanted(kind: NotificationType, choice: ChosenType | None) -> tuple[list[str], str]:
    """Where the user, or else the type, wants it, and the rule that says so (NS-SND-041)."""
    if choice is None:
        return kind.default_channels, "type.default_channels"
    return choice.channels, "preferences.allowed_channels"


def _mandatory(kind: NotificationType, choice: ChosenType | None) -> Chosen | Dropped:
    """Unsubscribes do not touch it; a choice narrows it but never empties it (NS-PREF-OP-03)."""
    wanted, rule = _wanted(kind, choice if choice and _delivered(choice.channels) else None)
    channels = _delivered(wanted)
    if not channels:
        return Dropped(Reason.NO_CHANNEL_LEFT, "channels.delivered", ",".join(wanted))
    return Chosen(channels, _without(channels, kind.fallback_channels), rule, ",".join(wanted))


def _refused_marketing(kind: NotificationType, known: Preferences) -> Dropped | None:
    """Advertising needs a consent, and no unsubscribe from all of it (NS-SND-OP-09)."""
    if not any(_consents(kind, known, channel) for channel in Channel):
        return Dropped(Reason.NO_CONSENT, "preferences.consent", MARKETING)
    if known.is_unsubscribed(ALL_MARKETING):
        return Dropped(Reason.UNSUBSCRIBED_ALL_MARKETING, "preferences.unsubscribed", ALL_MARKETING)
    return None


def _consents(kind: NotificationType, known: Preferences, channel: str) -> bool:
    """A consent to marketing, or to this very type (NS-PREF-OP-07)."""
    return known.consents_to(MARKETING, channel) or known.consents_to(kind.code, channel)


def _subscribed(
    kind: NotificationType, known: Preferences, lists: tuple[list[str], list[str]], rule: str
) -> Chosen | Dropped:
    """What unsubscribes and missing consents leave of the wanted and the reserve channels."""
    wanted, reserve = lists
    cut = {c: "preferences.unsubscribed" for c in (*wanted, *reserve) if known.is_unsubscribed(c)}
    if kind.category == Category.MARKETING:
        missing = (c for c in (*wanted, *reserve) if not _consents(kind, known, c))
        cut = {**dict.fromkeys(missing, "preferences.consent"), **cut}
    channels = _delivered(channel for channel in wanted if channel not in cut)
    left = _without(channels, [channel for channel in reserve if channel not in cut])
    if channels:
        return Chosen(channels, left, rule, ",".join(wanted))
    deciding = [channel for channel in wanted if channel in cut]
    if deciding:
        return Dropped(Reason.NO_CHANNEL_LEFT, cut[deciding[-1]], ",".join(deciding))
    return Dropped(Reason.NO_CHANNEL_LEFT, "channels.delivered" if wanted else rule, ",".join(wanted))


def _delivered(channels: Iterable[str]) -> tuple[str, ...]:
    """Each once, in order, and only those that have a delivery stage."""
    return tuple(dict.fromkeys(channel for channel in channels if channel in DELIVERED_CHANNELS))


def _without(channels: tuple[str, ...], reserve: Iterable[str]) -> tuple[str, ...]:
    return tuple(channel for channel in _delivered(reserve) if channel not in channels)
