"""What may be forbidden of messages that wait."""

from __future__ import annotations

from enum import StrEnum


class VetoScope(StrEnum):
    """What a `Vetoed` is about."""

    CHOICES = "choices"
    USER = "user"
    REQUEST = "request"
    DEVICE = "device"
