"""What is known of a user at a point of the input file: addresses and choices (NS-PREF, NS-EVT-041)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

CHANNELS = ("email", "sms", "push", "in_app")
MAIL = re.compile(r"[^@\s]+@(?:[a-z0-9-]+\.)+[a-z]{2,}")
PHONE = re.compile(r"\+\d{9,15}")


@dataclass(slots=True)
class User:
    """One user, as told so far."""

    email: str = ""
    phone: str = ""
    tokens: list[str] = field(default_factory=list)
    language: str = "ru"
    type_channels: dict[str, list[str]] = field(default_factory=dict)
    types_off: set[str] = field(default_factory=set)
    unsubscribed: set[str] = field(default_factory=set)
    consents: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    is_deleted: bool = False

    def addresses(self, channel: str) -> list[str]:
        """Addresses of a channel as they are on file; mail domains in lower case."""
        local, _, domain = self.email.rpartition("@")
        known = {"email": [f"{local}@{domain.lower()}" if local else self.email], "sms": [self.phone]}
        return [address for address in known.get(channel, self.tokens) if address]


def is_address(channel: str, address: str) -> bool:
    """Whether a text could be an address of the channel at all."""
    forms = {"email": MAIL, "sms": PHONE}
    return bool(forms[channel].fullmatch(address)) if channel in forms else bool(address)


def tell(users: dict[str, User], event_type: str, user_id: str, data: dict[str, Any]) -> bool:
    """Apply a user event; False when it tells nothing about the user."""
    heard = HEARD.get(event_type)
    if heard is not None:
        heard(users.setdefault(user_id, User()), data)
    return heard is not None


def _contacts(user: User, data: dict[str, Any]) -> None:
    user.email = data.get("email", user.email)
    user.phone = data.get("phone", user.phone)
    user.language = data.get("language", user.language)
    if "devices" in data:
        user.tokens = [device["token"] for device in data["devices"]]


def _deleted(user: User, _: dict[str, Any]) -> None:
    user.email, user.phone, user.tokens = "", "", []
    user.is_deleted = True


def _preference(user: User, data: dict[str, Any]) -> None:
    code = data["notification_type"]
    user.type_channels[code] = data["allowed_channels"]
    (user.types_off.discard if data["is_enabled"] else user.types_off.add)(code)


def _consent(user: User, data: dict[str, Any]) -> None:
    user.consents |= set(CHANNELS) if data["channel_type"] is None else {data["channel_type"]}


def _no_consent(user: User, data: dict[str, Any]) -> None:
    user.consents -= set(CHANNELS) if data["channel_type"] is None else {data["channel_type"]}


def _unsubscribed(user: User, data: dict[str, Any]) -> None:
    channel = data["channel_type"]
    user.left += [] if channel in user.unsubscribed else [channel]
    user.unsubscribed.add(channel)


def _resubscribed(user: User, data: dict[str, Any]) -> None:
    user.unsubscribed.discard(data["channel_type"])


HEARD = {
    "user.registered": _contacts,
    "user.updated": _contacts,
    "user.deleted": _deleted,
    "user.preference_changed": _preference,
    "user.consent_granted": _consent,
    "user.consent_revoked": _no_consent,
    "user.unsubscribed": _unsubscribed,
    "user.resubscribed": _resubscribed,
}
