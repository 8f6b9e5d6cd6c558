"""What users chose, as it is stored and shown, and the types that they choose among."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """A notification type as the settings screen needs it."""

    code: str
    title: str
    category: str
    is_mandatory: bool
    default_channels: list[str]
    fallback_channels: list[str]


class Chosen(msgspec.Struct, frozen=True):
    """A stored choice for one type. Time in ms."""

    channels: list[str]
    is_enabled: bool
    at: int


class Unsubscribed(msgspec.Struct, frozen=True):
    """A stored global unsubscribe. Time in ms."""

    channel: str
    reason: str | None
    at: int


class Consented(msgspec.Struct, frozen=True):
    """The newest word on one purpose and channel (None: every channel). Time in ms."""

    purpose: str
    channel: str | None
    is_granted: bool
    at: int
    source: str | None = None
    text_version: str | None = None


class Stored(msgspec.Struct, frozen=True):
    """All that one user chose."""

    types: dict[str, Chosen] = {}
    unsubscribed: list[Unsubscribed] = []
    consents: list[Consented] = []


class ChoicesAwayError(Exception):
    """Where choices are stored cannot be read now."""


class Choices(Protocol):
    """Reads what is stored; raises `ChoicesAwayError`."""

    async def kinds(self) -> list[Kind]:
        """Every notification type, by its code."""
        ...

    async def of(self, user_id: str) -> Stored:
        """What one user chose."""
        ...


class NoChoices:
    """A `Choices` of a port that has no database."""

    async def kinds(self) -> list[Kind]:
        """Refuse."""
        raise ChoicesAwayError

    async def of(self, user_id: str) -> Stored:
        """Refuse."""
        raise ChoicesAwayError(user_id)
