"""Contacts and push tokens that an older key sealed, sealed anew after a rotation: so it can be withdrawn.

What is written exchanges ciphertext only, where the address or the token is still the very same
(agents/remember.py, agents/equip.py): it brings nothing back, makes no row, claims no token, and twice is as
good as once. What Account Service said stays its word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from connectors.cipher import CipherError
from connectors.kafka_clients import writing
from schemas.codec import Decoder, encode
from schemas.device_words import DeviceAction
from schemas.ids import SUBJECT, subject_key
from schemas.records import ContactChanged, DeviceChanged
from schemas.topics import CONTACTS, DEVICES
from schemas.words import ContactAction
from streams.changelogs import partitions_of, records_of
from streams.outside import cipher_of, engine_config, publish_schemas
from streams.persons import STAGE, learned_schemas
from streams.scaling.hand import layouts
from streams.scaling.homes import payload_of
from streams.scaling.plan import ScaleError
from tables.contacts import Contacts
from tables.devices import Devices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from connectors.cipher import Cipher
    from schemas.codec import SchemaBook
    from streams.engine.layout import Layout
    from streams.settings import Settings
    from tables.contacts import Address

CONTACT_ROWS, DEVICE_ROWS = b"\2", b"\6"
"""How keys of contacts and of devices begin."""
Fact: TypeAlias = ContactChanged | DeviceChanged
Anew: TypeAlias = "tuple[Sequence[Fact], int]"
"""Facts to be written, and how many values no key opens."""


class Resealed(NamedTuple):
    """What was found and done.

    `by_key`: addresses by the key that seals them, `tokens_by_key`: tokens of devices; `written`: facts;
    `unopened`: those of both whose key is gone.
    """

    by_key: Mapping[str, int]
    tokens_by_key: Mapping[str, int]
    written: int
    unopened: int


async def reseal(settings: Settings, *, is_only_counted: bool) -> Resealed:
    """Walk through all of them, a partition after the other; every in-sync replica has what is written.

    `ScaleError` while the stage is scaled: its rows are in two places then.
    """
    config = engine_config(settings)
    brokers, changelog = config.brokers, config.changelog(STAGE)
    if await partitions_of(brokers, config.layout):
        steady((await layouts(config))[0].get(STAGE))
    walk = Walk(cipher_of(settings), await learned_schemas(brokers))
    written = 0
    if not is_only_counted:
        await publish_schemas(brokers)
    for partition in range(await partitions_of(brokers, changelog)):
        rows = await last_values(records_of(brokers, changelog, partition))
        async with writing(brokers) as write:
            for fact in walk.facts(rows):
                if not is_only_counted:
                    topic = CONTACTS if isinstance(fact, ContactChanged) else DEVICES
                    await write(topic, encode(fact), key=subject_key(fact.user_id), partition=partition)
                    written += 1
    return Resealed(walk.by_key, walk.tokens_by_key, written, walk.unopened)


async def last_values(records: AsyncIterator[tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    """Rows of contacts and devices as a changelog leaves them."""
    found: dict[bytes, bytes] = {}
    async for key, value in records:
        if value is None:
            found.pop(key, None)
        elif key[:1] in {CONTACT_ROWS, DEVICE_ROWS}:
            found[key] = value
    return found


class Walk:
    """Counts what it meets."""

    def __init__(self, cipher: Cipher, book: SchemaBook) -> None:
        self.by_key: dict[str, int] = {}
        self.tokens_by_key: dict[str, int] = {}
        self.unopened = 0
        self._cipher = cipher
        self._contacts, self._devices = Decoder(Contacts, book=book), Decoder(Devices, book=book)

    def facts(self, rows: Mapping[bytes, bytes]) -> Iterator[Fact]:
        """What is to be written for these rows."""
        for key, value in rows.items():
            payload = payload_of(key, value)
            user_id = key[1:].decode().removeprefix(f"{SUBJECT}:")
            facts, lost = (self._of_devices if key[:1] == DEVICE_ROWS else self._of_contacts)(
                user_id, payload
            )
            self.unopened += lost
            yield from facts

    def _of_contacts(self, user_id: str, payload: bytes) -> Anew:
        contacts = self._contacts(payload)
        count((one.sealed for _, one in known_of(contacts)), self._cipher, self.by_key)
        return sealed_anew(user_id, contacts, self._cipher)

    def _of_devices(self, user_id: str, payload: bytes) -> Anew:
        devices = self._devices(payload)
        count((one.token for one in devices.known), self._cipher, self.tokens_by_key)
        return tokens_anew(user_id, devices, self._cipher)


def steady(layout: Layout | None) -> None:
    """Go on if no change of the stage is under way; `ScaleError`."""
    if layout is not None and layout.is_under_way:
        text = f"{STAGE} is on its way from {layout.old} to {layout.new} partitions"
        raise ScaleError(f"{text}: seal anew when that is done (`carillon topics scale`)")


def count(sealed: Iterable[bytes], cipher: Cipher, counts: dict[str, int]) -> None:
    """Add these to the counts by key."""
    for one in sealed:
        name = cipher.key_id_of(one)
        counts[name] = counts.get(name, 0) + 1


def known_of(contacts: Contacts) -> Iterator[tuple[str, Address]]:
    """Addresses by field."""
    for name, address in (("email", contacts.email), ("phone", contacts.phone)):
        if address is not None:
            yield name, address


def sealed_anew(user_id: str, contacts: Contacts, cipher: Cipher) -> Anew:
    """A fact for each address that an older key sealed."""
    facts: list[ContactChanged] = []
    lost = 0
    for name, address in known_of(contacts):
        if cipher.key_id_of(address.sealed) == cipher.current:
            continue
        try:
            changed: dict[str, Any] = {name: cipher.seal(cipher.open(address.sealed))}
        except CipherError:
            lost += 1
            continue
        at = getattr(contacts, f"{name}_at")
        facts.append(ContactChanged(user_id=user_id, action=ContactAction.RESEALED, changed_at=at, **changed))
    return facts, lost


def tokens_anew(user_id: str, devices: Devices, cipher: Cipher) -> Anew:
    """A fact for each token that an older key sealed, of the time of the last word on its device."""
    facts: list[DeviceChanged] = []
    lost = 0
    for device in devices.known:
        if cipher.key_id_of(device.token) == cipher.current:
            continue
        try:
            token = cipher.seal(cipher.open(device.token))
        except CipherError:
            lost += 1
            continue
        fact = DeviceChanged(
            user_id=user_id,
            device_id=device.device_id,
            action=DeviceAction.RESEALED,
            changed_at=device.changed_at,
            token=token,
        )
        facts.append(fact)
    return facts, lost
