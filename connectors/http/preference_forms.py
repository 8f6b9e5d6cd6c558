"""Bodies and answers of the preferences API (NS-API-020…025, NS-PREF-OP-02, NS-PREF-OP-07)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from schemas.facts import MAX_CHOICES, ChannelWord

Unsubscribable = Literal["email", "push", "sms", "in_app", "all_marketing"]
NO_NUL = r"^[^\x00]*$"
Code = Annotated[str, Meta(min_length=1, max_length=100, pattern=NO_NUL, description="A notification type.")]
Channels = Annotated[
    list[ChannelWord],
    Meta(max_length=4, description="Each at most once.", extra_json_schema={"uniqueItems": True}),
]
Source = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=NO_NUL,
        description="Where it was said. `settings`: by the user in person, a consent if it is marketing.",
    ),
]
Version = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=NO_NUL, description="Of the text it was given to.")
]
AT = Meta(description="RFC 3339, UTC.")


class Choice(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What a user wants of one type."""

    notification_type: Code
    allowed_channels: Channels
    is_enabled: bool = True
    source: Source | None = None


class Choices(msgspec.Struct, forbid_unknown_fields=True):
    """Several, each type once; they are taken together or not at all."""

    preferences: Annotated[list[Choice], Meta(min_length=1, max_length=MAX_CHOICES)]


class UnsubscribeBody(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """From a channel, or from all marketing."""

    channel_type: Unsubscribable
    reason: Annotated[str, Meta(max_length=1000, pattern=NO_NUL)] | None = None


class ConsentBody(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """A consent or its withdrawal, with its evidence."""

    granted: bool
    source: Source
    channel_type: Annotated[ChannelWord | None, Meta(description="Absent: every channel.")] = None
    text_version: Version | None = None


class Setting(msgspec.Struct):
    """One type as a settings screen shows it (NS-API-OP-08)."""

    notification_type: str
    title: str
    category: str
    is_mandatory: bool
    available_channels: Annotated[list[str], Meta(description="Those that the type uses.")]
    allowed_channels: list[str]
    is_enabled: bool
    is_default: Annotated[bool, Meta(description="The user has chosen nothing for it.")]


class Unsubscribed(msgspec.Struct):
    """A global unsubscribe in force."""

    channel_type: Unsubscribable
    reason: str | None
    unsubscribed_at: Annotated[str, AT]


class Consent(msgspec.Struct):
    """The newest word on a purpose."""

    purpose: str
    channel_type: Annotated[str | None, Meta(description="Null: every channel.")]
    granted: bool
    at: Annotated[str, AT]
    source: str | None
    text_version: str | None


class Everything(msgspec.Struct):
    """All that a user chose, with defaults where he chose nothing."""

    user_id: str
    preferences: list[Setting]
    unsubscribed: list[Unsubscribed]
    consents: list[Consent]


class Changed(msgspec.Struct):
    """What is in force from `changed_at` on."""

    user_id: str
    changed_at: Annotated[str, AT]
    preferences: list[Setting]


class Confirmed(msgspec.Struct):
    """An unsubscribe or a consent is taken."""

    user_id: str
    changed_at: Annotated[str, AT]
    status: Literal["unsubscribed", "granted", "revoked"]
    channel_type: str | None


def _either() -> dict[str, Any]:
    """One choice or several; written out, for msgspec has no union of two structs."""
    one = msgspec.json.schema_components([Choice])[1]["Choice"]
    of_many = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_CHOICES, "uniqueItems": True}
    many = {"type": "object", "properties": {"preferences": of_many}}
    return {"anyOf": [one, {**many, "required": ["preferences"], "additionalProperties": False}]}


ONE_OR_MANY: Any = Annotated[Any, Meta(extra_json_schema=_either())]
