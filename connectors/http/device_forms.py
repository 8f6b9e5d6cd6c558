"""Bodies and answers of the devices API (NS-API-050…054)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from connectors.http.send_form import UUID

PlatformWord = Literal["ios", "android", "web", "macos", "desktop"]
TOKEN = r"^[!-~]{1,4096}$(?!\n)"  # noqa: S105 - a pattern
AT = Meta(description="RFC 3339, UTC.")
SHOWN = 6
"""Last characters of a token that an answer shows (NS-API-OP-14)."""
SHORTEST_SHOWN = 4 * SHOWN
"""Of a shorter token nothing is shown: it would be too much of it."""


class DeviceBody(msgspec.Struct, forbid_unknown_fields=True):
    """A push token, as its operating system or browser gave it."""

    user_id: Annotated[
        str, Meta(pattern=UUID, min_length=36, max_length=36, description="The user who is signed in there.")
    ]
    platform: PlatformWord
    token: Annotated[str, Meta(pattern=TOKEN, description="Without blanks; never shown again.")]


class SwitchBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whether pushes go to the device."""

    is_active: bool


class DeviceShown(msgspec.Struct):
    """A device, its token masked."""

    id: str
    user_id: str
    platform: PlatformWord
    is_active: bool
    token_end: Annotated[str, Meta(description="The last 6 characters of a token, if it is a long one.")]
    last_used_at: Annotated[str, Meta(description="Of the last registration; RFC 3339, UTC.")]
    created_at: Annotated[str, AT]
    updated_at: Annotated[str, AT]


def shown_of(token: str) -> str:
    """What may be read of a token."""
    return token[-SHOWN:] if len(token) >= SHORTEST_SHOWN else ""
