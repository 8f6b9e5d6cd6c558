"""The closed lists about devices: platforms (NS-DATA-052, NS-DATA-OP-09), and what may happen to a device."""

from __future__ import annotations

from enum import StrEnum


class Platform(StrEnum):
    """Where a push token is from."""

    IOS = "ios"
    ANDROID = "android"
    WEB = "web"
    MACOS = "macos"
    DESKTOP = "desktop"


class DeviceAction(StrEnum):
    """What a `DeviceChanged` says: of the client, of whoever may switch it, of a provider, of others."""

    REGISTERED = "registered"
    SWITCHED = "switched"
    REFUSED = "refused"  # a push provider knows the token no longer
    MOVED = "moved"  # its token was registered under another device since
