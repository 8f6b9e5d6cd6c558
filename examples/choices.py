"""Phases 2 and 3 of the sample data: people change contacts, switch types off, unsubscribe, consent, leave.

All of it happens to people who came by `user.updated` (no rule maps that), so that nothing on its way to them
can overtake a choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from examples.cast import Person
from examples.lines import Author, Line


@dataclass(slots=True)
class Choosers:
    """Deals people out of a pile, so that each of them makes one choice only."""

    author: Author
    later: Author
    pile: list[Person]
    first: list[Line] = field(default_factory=list)
    then: list[Line] = field(default_factory=list)
    groups: dict[str, list[Person]] = field(default_factory=dict)

    def deal(self, group: str, count: int) -> list[Person]:
        """Take `count` people off the pile and remember them under the group's name."""
        dealt = [self.pile.pop() for _ in range(count)]
        self.groups[group] = dealt
        return dealt

    def each(self, group: str, count: int, *changes: tuple[str, Line]) -> None:
        """`count` people get the same one or two changes, in this order."""
        for someone in self.deal(group, count):
            steps = ((self.author, self.first), (self.later, self.then))
            for (author, lines), (event_type, data) in zip(steps, changes, strict=False):
                lines.append(author.event(event_type, someone.user_id, data))


def preference(code: str, channels: list[str], *, enabled: bool = True) -> tuple[str, Line]:
    """Change of the settings of one type."""
    data = {"notification_type": code, "allowed_channels": channels, "is_enabled": enabled}
    return "user.preference_changed", data


def consent(channel: str | None = None, *, granted: bool = True) -> tuple[str, Line]:
    """Consent to marketing on one channel, or on every one; or its end."""
    data: dict[str, Any] = {"purpose": "marketing", "channel_type": channel, "source": "settings"}
    return "user.consent_granted" if granted else "user.consent_revoked", data


def unsubscribe(channel: str, *, back: bool = False) -> tuple[str, Line]:
    """Global unsubscribe (NS-DATA-041), or the way back."""
    return "user.resubscribed" if back else "user.unsubscribed", {
        "channel_type": channel,
        "reason": "too many",
    }


def choose(author: Author, later: Author, people: list[Person]) -> Choosers:
    """All changes: `first` of everybody, `then` the second ones, a phase later: their order is certain."""
    pile = Choosers(author, later, list(people))
    pile.each("type_off", 8, preference("order_confirmation", ["email", "push"], enabled=False))
    pile.each(
        "type_off_and_on", 4, preference("refund", ["email"], enabled=False), preference("refund", ["email"])
    )
    pile.each("push_only", 8, preference("order_confirmation", ["push"]))
    pile.each("no_channel", 4, preference("system_alert", []))
    pile.each("no_email", 8, unsubscribe("email"))
    pile.each("email_again", 4, unsubscribe("email"), unsubscribe("email", back=True))
    pile.each("no_sms", 4, unsubscribe("sms"))
    pile.each("consents", 20, consent())
    pile.each("consents_email", 6, consent("email"))
    pile.each("consent_ended", 4, consent(), consent(granted=False))
    pile.each("no_marketing", 6, consent(), unsubscribe("all_marketing"))
    pile.each("moved", 6, ("user.updated", {"email": "moved@example.com"}))
    pile.each("left", 4, ("user.deleted", {}))
    for number, line in enumerate(line for line in pile.first if "email" in line["value"]["data"]):
        line["value"]["data"]["email"] = f"moved.{number}@example.com"
    return pile
