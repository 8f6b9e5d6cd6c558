"""Table `preferences`: what a user chose (NS-PREF-001, NS-PREF-003, NS-DATA-OP-07).

key     user key
value   `Preferences`
writer  agents/recipient.py, from `facts.preferences`

Of two facts about the same thing the newer one is in force, in whatever order they came; of the same time,
the later in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec.structs import replace

from schemas.records import ChosenType, QuietChoice, Switch
from schemas.words import PreferenceKind

if TYPE_CHECKING:
    from schemas.records import PreferenceChanged

ALL_MARKETING = "all_marketing"
MARKETING = "marketing"


class Preferences(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One user. `unsubscribed`: channel or `all_marketing`; `consents`: `<purpose>/<channel or nothing>`.

    `version` grows with what `agents/forbid.py` changes; a message tells by it what it was made under.
    """

    types: dict[str, ChosenType] = {}
    unsubscribed: dict[str, Switch] = {}
    consents: dict[str, Switch] = {}
    version: int = 0
    quiet: QuietChoice | None = None

    @property
    def is_blank(self) -> bool:
        """Nothing is chosen."""
        return not (self.types or self.unsubscribed or self.consents or self.quiet)

    def times(self) -> list[int]:
        """When each thing was chosen (ms)."""
        switches = (*self.unsubscribed.values(), *self.consents.values())
        found = [one.at for one in self.types.values()] + [one.at for one in switches]
        return found if self.quiet is None else [*found, self.quiet.at]

    def choice(self, notification_type: str) -> ChosenType | None:
        """What the user chose for a type, None without a choice."""
        return self.types.get(notification_type)

    def is_unsubscribed(self, channel: str) -> bool:
        """From a channel, or from `all_marketing`, on all types that are not mandatory (NS-DATA-OP-06)."""
        switch = self.unsubscribed.get(channel)
        return switch is not None and switch.is_on

    def consents_to(self, purpose: str, channel: str) -> bool:
        """The newest word on this channel, or on every channel, is a consent."""
        said = (self.consents.get(f"{purpose}/{channel}"), self.consents.get(f"{purpose}/"))
        newest = max((s for s in said if s), key=lambda s: (s.at, not s.is_on), default=None)
        return newest is not None and newest.is_on

    def since(self, at: int) -> Preferences:
        """Without what was chosen at that time (ms) or before: the person who chose it is erased."""
        return replace(
            self,
            types={name: kept for name, kept in self.types.items() if kept.at > at},
            unsubscribed={name: kept for name, kept in self.unsubscribed.items() if kept.at > at},
            consents={name: kept for name, kept in self.consents.items() if kept.at > at},
            quiet=self.quiet if self.quiet is not None and self.quiet.at > at else None,
        )

    def merge(self, change: PreferenceChanged) -> Preferences:
        """With a fact taken in; the same object when something newer is known."""
        kind = PreferenceKind(change.kind)
        match kind:
            case PreferenceKind.TYPE:
                return self._choose(change)
            case PreferenceKind.UNSUBSCRIBED | PreferenceKind.RESUBSCRIBED:
                switch = Switch(is_on=kind is PreferenceKind.UNSUBSCRIBED, at=change.changed_at)
                known = _newer(self.unsubscribed, change.channel or "", switch)
                return replace(self, unsubscribed=known) if known else self
            case PreferenceKind.CONSENT_GRANTED | PreferenceKind.CONSENT_REVOKED:
                switch = Switch(is_on=kind is PreferenceKind.CONSENT_GRANTED, at=change.changed_at)
                name = f"{change.purpose or MARKETING}/{change.channel or ''}"
                known = _newer(self.consents, name, switch)
                return replace(self, consents=known) if known else self
            case PreferenceKind.QUIET_HOURS_CHANGED:
                is_old = self.quiet is not None and self.quiet.at > change.changed_at
                quiet = QuietChoice(at=change.changed_at, hours=change.quiet)
                return self if is_old else replace(self, quiet=quiet)
            case _:
                assert_never(kind)

    def _choose(self, change: PreferenceChanged) -> Preferences:
        code = change.notification_type or ""
        chosen = ChosenType(channels=change.channels, is_enabled=change.is_enabled, at=change.changed_at)
        before = self.types.get(code)
        if before and before.at > chosen.at:
            return self
        return replace(self, types={**self.types, code: chosen})


def _newer(known: dict[str, Switch], name: str, switch: Switch) -> dict[str, Switch] | None:
    """With the switch set, None when something newer is known."""
    before = known.get(name)
    return None if before and before.at > switch.at else {**known, name: switch}
