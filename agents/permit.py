"""Whether what a user chose lets one message through on its channel: NS-PREF-OP-05, for what is made already.

consumes  type, category and channel of a message that is not of a mandatory type; the user's choices
keeps     nothing
emits     None, or `Forbidden` with the rule and the value that decided

It agrees with `agents/choose.py`, which makes messages by the same list: a property test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemas.words import Category, Reason
from tables.preferences import ALL_MARKETING, MARKETING

if TYPE_CHECKING:
    from tables.preferences import Preferences


class Forbidden(msgspec.Struct, frozen=True):
    """The message must not be sent."""

    reason: Reason
    rule: str
    value: str


def permit(code: str, category: str, channel: str, known: Preferences) -> Forbidden | None:
    """The first rule that forbids it."""
    choice = known.choice(code)
    if category == Category.MARKETING:
        if not any(known.consents_to(purpose, channel) for purpose in (MARKETING, code)):
            return Forbidden(Reason.NO_CONSENT, "preferences.consent", channel)
        if known.is_unsubscribed(ALL_MARKETING):
            return Forbidden(Reason.UNSUBSCRIBED_ALL_MARKETING, "preferences.unsubscribed", ALL_MARKETING)
    if choice is not None and not choice.is_enabled:
        return Forbidden(Reason.TYPE_DISABLED, "preferences.is_enabled", code)
    if known.is_unsubscribed(channel):
        return Forbidden(Reason.UNSUBSCRIBED_CHANNEL, "preferences.unsubscribed", channel)
    if choice is not None and channel not in choice.channels:
        return Forbidden(Reason.CHANNEL_NOT_ALLOWED, "preferences.allowed_channels", channel)
    return None
