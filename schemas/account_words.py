"""How a question to Account Service ends."""

from __future__ import annotations

from enum import StrEnum


class Told(StrEnum):
    """What was said, or why nothing was."""

    FOUND = "found"
    UNKNOWN = "unknown"  # it knows no such user
    AWAY = "away"
    HIDDEN = "hidden"  # a crash hid the answer; to ask again harms nobody
    LAPSED = "lapsed"  # it was never asked
