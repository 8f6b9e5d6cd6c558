"""The closed lists about devices: platforms (NS-DATA-052, NS-DATA-OP-09), who serves them, what happens."""

from __future__ import annotations

from enum import StrEnum


class Platform(StrEnum):
    """Where a push token is from."""

    IOS = "ios"
    ANDROID = "android"
    WEB = "web"
    MACOS = "macos"
    DESKTOP = "desktop"


SERVED: dict[str, tuple[Platform, ...]] = {
    "apns": (Platform.IOS, Platform.MACOS),
    "fcm": (Platform.ANDROID, Platform.WEB),
    "web_push": (Platform.WEB,),
}
"""Kind of provider → whose tokens it takes, unless its entry names `platforms` (NS-CH-030); others take all.

A vendor calls the token of another platform a dead one, and the device would be switched off for it.
"""


class DeviceAction(StrEnum):
    """What a `DeviceChanged` says: of the client, of whoever may switch it, of a provider, of others."""

    REGISTERED = "registered"
    SWITCHED = "switched"
    REFUSED = "refused"  # a push provider knows the token no longer
    MOVED = "moved"  # its token was registered under another device since
    RESEALED = "resealed"  # its very token under another key (streams/resealing.py)
