"""Events of `user.events` that are facts: contacts, choices, devices (NS-PREF-OP-07, NS-EVT-OP-07).

The form of their `data`: an absent field changes nothing, null or an empty text removes what was known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.quiet import DAYTIME, zone

if TYPE_CHECKING:
    from schemas.records import DomainEvent

ChannelWord = Literal["email", "sms", "push", "in_app"]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Note = Annotated[str, Meta(max_length=1000)]
Daytime = Annotated[str, Meta(pattern=DAYTIME, description="`08:30`.")]

MAX_CHOICES = 200
"""Types that one record may change."""
MAX_NAMES = 100
"""Names of audiences of one user."""
MAX_DEVICES = 50
"""Devices of one user: each is a message of its own for every push (NS-SND-OP-05)."""


class DeviceGiven(msgspec.Struct, frozen=True):
    """One push address, in clear."""

    token: Annotated[str, Meta(min_length=1, max_length=4096)]
    platform: Annotated[str, Meta(min_length=1, max_length=20)]


class AudienceName(msgspec.Struct, frozen=True):
    """A name under which audiences know a user (AUD-071)."""

    id_type: Literal["yandex_uid", "phone_id", "personal_phone_id", "device_id"]
    id: Annotated[str, Meta(min_length=1, max_length=256)]


class Profile(msgspec.Struct, frozen=True):
    """`user.registered`, `user.updated`, `user.deleted`: how to reach a user, in clear."""

    email: Annotated[str, Meta(max_length=320)] | UnsetType | None = UNSET
    phone: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    devices: Annotated[list[DeviceGiven], Meta(max_length=MAX_DEVICES)] | UnsetType | None = UNSET
    language: Annotated[str, Meta(max_length=10)] | UnsetType | None = UNSET
    timezone: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    known_as: Annotated[list[AudienceName], Meta(max_length=MAX_NAMES)] = []  # of a deletion: erased, too
    is_demanded: bool = False  # a deletion by API or command: whatever is known is older, by whatever clock
    confirmed: Annotated[list[Literal["email", "sms"]], Meta(max_length=2)] = []  # they take messages again


class TypeChoice(msgspec.Struct, frozen=True):
    """`user.preference_changed`: one row of `user_notification_preferences`."""

    notification_type: Name
    allowed_channels: list[ChannelWord]
    is_enabled: bool = True
    source: Note | None = None  # `settings`: the user in person, which is a consent for a marketing type


class TypeChoices(msgspec.Struct, frozen=True):
    """`user.preferences_changed`: several at once (NS-PREF-OP-02)."""

    preferences: Annotated[list[TypeChoice], Meta(min_length=1, max_length=MAX_CHOICES)]


class Unsubscribe(msgspec.Struct, frozen=True):
    """`user.unsubscribed`, `user.resubscribed`: one row of `user_global_unsubscribes`."""

    channel_type: Literal["email", "sms", "push", "in_app", "all_marketing"]
    reason: Note | None = None
    campaign: Annotated[str, Meta(max_length=128)] | None = None  # whose message it answers


class Consent(msgspec.Struct, frozen=True):
    """`user.consent_granted`, `user.consent_revoked`: a row of `user_consents`; no channel: every channel."""

    purpose: Name = "marketing"
    channel_type: ChannelWord | None = None
    source: Note | None = None
    text_version: Name | None = None


class Quiet(msgspec.Struct, frozen=True):
    """`user.quiet_hours_changed`: when nothing may ring. Without times those of the types hold again.

    `timezone`: name of IANA; absent: that of the profile. `is_enabled` false: at no time, whatever the type.
    """

    start: Daytime | None = msgspec.field(name="from", default=None)
    end: Daytime | None = msgspec.field(name="to", default=None)
    timezone: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    is_enabled: bool = True

    def __post_init__(self) -> None:
        if self.timezone is not None and zone(self.timezone) is None:
            raise ValueError("`timezone` is no zone of IANA")
        if (self.start is None) is not (self.end is None) or (self.start and self.start == self.end):
            raise ValueError("`from` and `to` belong together, and differ")


class DeviceRegistered(msgspec.Struct, frozen=True):
    """`user.device_registered`: a device that takes pushes (NS-CH-061, NS-CH-OP-11).

    Other services give the token in clear; the API of devices seals it before it enters a topic.
    """

    platform: Literal["ios", "android", "web", "macos", "desktop"]
    token: Annotated[str, Meta(pattern=r"\A[!-~]{1,4096}\Z")] | None = None
    sealed: Annotated[bytes, Meta(max_length=8192)] | None = None

    def __post_init__(self) -> None:
        if (self.token is None) is (self.sealed is None):
            raise ValueError("a device has a `token`")


class DeviceSwitched(msgspec.Struct, frozen=True):
    """`user.device_switched`: a known device on or off."""

    device_id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
    is_active: bool


Fact = Profile | TypeChoice | TypeChoices | Unsubscribe | Consent | Quiet | DeviceRegistered | DeviceSwitched

FACTS: dict[str, type[Fact]] = {
    "user.registered": Profile,
    "user.updated": Profile,
    "user.deleted": Profile,
    "user.preference_changed": TypeChoice,
    "user.preferences_changed": TypeChoices,
    "user.unsubscribed": Unsubscribe,
    "user.resubscribed": Unsubscribe,
    "user.consent_granted": Consent,
    "user.consent_revoked": Consent,
    "user.quiet_hours_changed": Quiet,
    "user.device_registered": DeviceRegistered,
    "user.device_switched": DeviceSwitched,
}


def fact_in(event: DomainEvent) -> Fact | None:
    """The fact an event of `user.events` states, None when it states none.

    `msgspec.ValidationError` when its `data` has another form.
    """
    form = FACTS.get(event.event_type)
    fact: Fact | None = msgspec.convert(event.data, form) if form else None
    return fact


def others_fact_in(event: DomainEvent) -> Fact | None:
    """The same of another service, which cannot have sealed anything."""
    fact = fact_in(event)
    if isinstance(fact, DeviceRegistered) and fact.sealed is not None:
        raise msgspec.ValidationError("a device has a `token`")
    return fact
