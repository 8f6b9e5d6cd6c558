"""What a user chose as a page shows it: by category and channel; and what a filled-in page changes.

Pure: types, what is stored and the boxes that are ticked, to what to write (NS-PREF-OP-01). A box is ticked
when anything of its category comes by its channel; only boxes that the user touched change anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from connectors.choices import Chosen, Consented, Kind, Stored, Unsubscribed
from connectors.http.preference_changes import offered
from connectors.http.preference_forms import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schemas.facts import ChannelWord

CATEGORIES: Final = ("transactional", "system", "social", "marketing")
CHANNELS: Final[tuple[ChannelWord, ...]] = ("email", "push", "sms", "in_app")
STOPS: Final = ("all_marketing", *CHANNELS)
MARKETING: Final = "marketing"
IN_PERSON: Final = "settings"
BY_PAGE: Final = "preference page"


class Box(NamedTuple):
    """One box. `is_partly`: not all of what it stands for is on."""

    name: str
    channel: str
    is_on: bool
    is_partly: bool


class Group(NamedTuple):
    """The boxes of one category, and the titles of what they stand for."""

    category: str
    titles: list[str]
    boxes: list[Box]


class Filled(NamedTuple):
    """A page that came back: boxes ticked now, boxes that were ticked when it was shown."""

    ticked: frozenset[str]
    shown: frozenset[str]

    @property
    def touched(self) -> frozenset[str]:
        """Boxes whose state is another one now."""
        return self.ticked ^ self.shown


class Changes(NamedTuple):
    """What to write."""

    choices: list[Choice]
    stops: list[str]
    returns: list[str]


def groups(kinds: Iterable[Kind], stored: Stored) -> list[Group]:
    """Boxes of all that the user may choose, category by category."""
    found: list[Group] = []
    for category in CATEGORIES:
        free = [kind for kind in kinds if kind.category == category and not kind.is_mandatory]
        boxes = [_box(category, channel, free, stored) for channel in CHANNELS]
        if any(boxes):
            found.append(Group(category, [kind.title for kind in free], [box for box in boxes if box]))
    return found


def stopped(stored: Stored) -> frozenset[str]:
    """Names of the boxes of global unsubscribes that are ticked."""
    return frozenset(f"stop.{one.channel}" for one in stored.unsubscribed)


def changes(kinds: Mapping[str, Kind], stored: Stored, filled: Filled) -> Changes:
    """What the touched boxes mean; one choice for each type of a category (NS-PREF-OP-01)."""
    free = [kind for kind in kinds.values() if not kind.is_mandatory]
    made = (_choice(kind, stored, filled) for kind in free)
    stops = [word for word in STOPS if f"stop.{word}" in filled.touched]
    return Changes(
        [choice for choice in made if choice],
        [word for word in stops if f"stop.{word}" in filled.ticked],
        [word for word in stops if f"stop.{word}" not in filled.ticked],
    )


def after(stored: Stored, made: Changes, at: int) -> Stored:
    """What will be stored once the changes are (`at` in ms)."""
    types = {c.notification_type: Chosen(list(c.allowed_channels), c.is_enabled, at) for c in made.choices}
    consents = [
        Consented(choice.notification_type, channel, True, at)  # noqa: FBT003 - granted
        for choice in made.choices
        for channel in choice.allowed_channels
        if choice.source == IN_PERSON
    ]
    kept = [one for one in stored.unsubscribed if one.channel not in made.returns]
    left = [Unsubscribed(word, None, at) for word in made.stops]
    return replace(
        stored,
        types=stored.types | types,
        unsubscribed=[*kept, *left],
        consents=[*stored.consents, *consents],
    )


def in_force(kind: Kind, stored: Stored) -> list[str]:
    """Channels by which a type comes, global unsubscribes apart; marketing only by those with a consent."""
    known = stored.types.get(kind.code)
    if known is not None and not known.is_enabled:
        return []
    channels = kind.default_channels if known is None else known.channels
    if kind.category != MARKETING:
        return channels
    return [c for c in channels if any(_consents(p, c, stored) for p in (MARKETING, kind.code))]


def _consents(purpose: str, channel: str, stored: Stored) -> bool:
    """The newest word on this channel, or on every channel; of two at one time the withdrawal."""
    said = [one for one in stored.consents if one.purpose == purpose and one.channel in {None, channel}]
    newest = max(said, key=lambda one: (one.at, not one.is_granted), default=None)
    return newest is not None and newest.is_granted


def _box(category: str, channel: str, free: list[Kind], stored: Stored) -> Box | None:
    states = [channel in in_force(kind, stored) for kind in free if channel in offered(kind)]
    if not states:
        return None
    return Box(f"{category}.{channel}", channel, any(states), any(states) and not all(states))


def _choice(kind: Kind, stored: Stored, filled: Filled) -> Choice | None:
    """The new choice of a type, None when no box of it was touched, or it is so already."""
    touched = [c for c in CHANNELS if c in offered(kind) and f"{kind.category}.{c}" in filled.touched]
    before = in_force(kind, stored)
    on = [c for c in touched if f"{kind.category}.{c}" in filled.ticked]
    now: list[ChannelWord] = [c for c in CHANNELS if c in on or (c in before and c not in touched)]
    if not touched or set(now) == set(before):
        return None
    source = IN_PERSON if set(now) - set(before) else BY_PAGE
    return Choice(kind.code, now, is_enabled=bool(now), source=source)
