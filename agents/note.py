"""Events of `user.events` that are facts become changes of contacts, preferences and devices.

consumes  DomainEvent whose event type is in `schemas.facts.FACTS`
keeps     nothing
emits     ContactChanged (addresses sealed), PreferenceChanged, DeviceChanged (tokens sealed)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from msgspec import UNSET, UnsetType

from schemas.device_words import DeviceAction
from schemas.facts import (
    Consent,
    DeviceGiven,
    DeviceRegistered,
    DeviceSwitched,
    Profile,
    Quiet,
    TypeChoice,
    TypeChoices,
    Unsubscribe,
    fact_in,
)
from schemas.ids import audience_user, device_named
from schemas.quiet import NEVER, minutes
from schemas.records import ContactChanged, Device, DeviceChanged, PreferenceChanged, QuietHours
from schemas.words import Category, PreferenceKind

if TYPE_CHECKING:
    from agents.ports import Cipher, Reference
    from schemas.records import DomainEvent

Noted = ContactChanged | PreferenceChanged | DeviceChanged
IN_PERSON = "settings"
"""Source of a choice that the user made in the settings himself."""


def note(  # noqa: C901, PLR0911 - a form of fact each, with its changes
    event: DomainEvent, at: int, reference: Reference, cipher: Cipher
) -> list[Noted]:
    """The changes an event of `user.events` states, of time `at` (ms); none for other events."""
    fact = fact_in(event)
    word = event.event_type.partition(".")[2]
    match fact:
        case None:
            return []
        case Profile():
            return [_contact(event.user_id, word, fact, at, cipher)]
        case TypeChoice():
            return _chosen(event.user_id, [fact], at, reference)
        case TypeChoices():
            return _chosen(event.user_id, fact.preferences, at, reference)
        case Unsubscribe():
            return [_switch(event.user_id, word, fact, at)]
        case Consent():
            return [_consent(event.user_id, word, fact, at)]
        case Quiet():
            quiet = _hours(fact)
            return [
                PreferenceChanged(
                    user_id=event.user_id, kind=PreferenceKind(word), changed_at=at, quiet=quiet
                )
            ]
        case DeviceRegistered() | DeviceSwitched():
            return _device(event.user_id, fact, at, cipher)
        case _:
            assert_never(fact)


def _device(user_id: str, fact: DeviceRegistered | DeviceSwitched, at: int, cipher: Cipher) -> list[Noted]:
    """A token that our API sealed with a key that is not known here is a defect, and a dead letter."""
    if isinstance(fact, DeviceSwitched):
        return [
            DeviceChanged(
                user_id=user_id,
                device_id=fact.device_id,
                action=DeviceAction.SWITCHED,
                changed_at=at,
                is_active=fact.is_active,
            )
        ]
    token = cipher.open(fact.sealed) if fact.sealed is not None else (fact.token or "").encode()
    token_hash = cipher.digest(token)
    return [
        DeviceChanged(
            user_id=user_id,
            device_id=device_named(user_id, fact.platform, token_hash),
            action=DeviceAction.REGISTERED,
            changed_at=at,
            platform=fact.platform,
            token=cipher.seal(token),
            token_hash=token_hash,
        )
    ]


def _contact(user_id: str, action: str, profile: Profile, at: int, cipher: Cipher) -> ContactChanged:
    return ContactChanged(
        user_id=user_id,
        action=action,
        changed_at=at,
        email=_sealed(profile.email, cipher),
        phone=_sealed(profile.phone, cipher),
        devices=_devices(profile.devices, cipher),
        language=None if profile.language is UNSET else profile.language or "",
        timezone=None if profile.timezone is UNSET else profile.timezone or "",
        known_as=[audience_user(name.id_type, name.id) for name in profile.known_as],
        is_demanded=profile.is_demanded,
        confirmed=list(profile.confirmed),
    )


def _sealed(text: str | UnsetType | None, cipher: Cipher) -> bytes | None:
    """None: not stated; empty: removed."""
    if text is UNSET:
        return None
    return cipher.seal(text.encode()) if text else b""


def _devices(given: list[DeviceGiven] | UnsetType | None, cipher: Cipher) -> list[Device] | None:
    if given is UNSET:
        return None
    tokens = {device.token: device.platform for device in given or []}
    return [Device(token=cipher.seal(token.encode()), platform=where) for token, where in tokens.items()]


def _chosen(user_id: str, choices: list[TypeChoice], at: int, reference: Reference) -> list[Noted]:
    found: list[Noted] = []
    for choice in choices:
        found += [_choice(user_id, choice, at), *_consents(user_id, choice, at, reference)]
    return found


def _choice(user_id: str, choice: TypeChoice, at: int) -> PreferenceChanged:
    return PreferenceChanged(
        user_id=user_id,
        kind=PreferenceKind.TYPE,
        changed_at=at,
        notification_type=choice.notification_type,
        channels=list(choice.allowed_channels),
        is_enabled=choice.is_enabled,
        reason=choice.source,
    )


def _consents(user_id: str, choice: TypeChoice, at: int, reference: Reference) -> list[PreferenceChanged]:
    """Switching an advertising type on in person is a consent to that type (NS-PREF-OP-07)."""
    kind = reference.type(choice.notification_type)
    is_consent = choice.is_enabled and choice.source == IN_PERSON
    if kind is None or kind.category != Category.MARKETING or not is_consent:
        return []
    return [
        PreferenceChanged(
            user_id=user_id,
            kind=PreferenceKind.CONSENT_GRANTED,
            changed_at=at,
            purpose=kind.code,
            channel=channel,
            reason=IN_PERSON,
        )
        for channel in choice.allowed_channels
    ]


def _switch(user_id: str, word: str, fact: Unsubscribe, at: int) -> PreferenceChanged:
    return PreferenceChanged(
        user_id=user_id,
        kind=PreferenceKind(word),
        changed_at=at,
        channel=fact.channel_type,
        reason=fact.reason,
        campaign=fact.campaign,
    )


def _consent(user_id: str, word: str, fact: Consent, at: int) -> PreferenceChanged:
    return PreferenceChanged(
        user_id=user_id,
        kind=PreferenceKind(word),
        changed_at=at,
        purpose=fact.purpose,
        channel=fact.channel_type,
        reason=fact.source,
        text_version=fact.text_version,
    )


def _hours(fact: Quiet) -> QuietHours | None:
    if not fact.is_enabled:
        return NEVER
    if fact.start is None or fact.end is None:
        return None
    return QuietHours(start=minutes(fact.start), end=minutes(fact.end), timezone=fact.timezone)
