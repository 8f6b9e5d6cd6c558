"""Contacts that an older key sealed, sealed anew after a rotation: so that the older one can be withdrawn.

What is written is a fact of the same time as the one that is known: a newer one wins, a deletion too, and
twice is as good as once. What Account Service said is left as it is: any fact wins over its word, a newer
one too, and it is asked again before it is used. Tokens of devices are counted only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.kafka_clients import writing
from schemas.codec import Decoder, encode
from schemas.errors import UnopenedError
from schemas.ids import SUBJECT
from schemas.records import ContactChanged
from schemas.topics import CONTACTS
from schemas.words import ContactAction
from streams.changelogs import partitions_of, records_of
from streams.outside import cipher_of, engine_config, publish_schemas
from streams.persons import STAGE, learned_schemas
from streams.scaling.homes import payload_of
from tables.contacts import Contacts
from tables.devices import Devices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from connectors.cipher import Cipher
    from streams.settings import Settings
    from tables.contacts import Address

CONTACT_ROWS, DEVICE_ROWS = b"\2", b"\6"
"""How keys of contacts and of devices begin."""


class Resealed(NamedTuple):
    """What was found and done.

    `by_key`: addresses by the key that seals them, `tokens_by_key`: tokens of devices; `written`: facts;
    `unopened`: addresses of keys that are gone.
    """

    by_key: Mapping[str, int]
    tokens_by_key: Mapping[str, int]
    written: int
    unopened: int


async def reseal(settings: Settings, *, is_only_counted: bool) -> Resealed:
    """Walk through all contacts, a partition after the other; every in-sync replica has what is written."""
    config, cipher = engine_config(settings), cipher_of(settings)
    changelog = config.changelog(STAGE)
    book = await learned_schemas(config.bootstrap)
    decode, decode_devices = Decoder(Contacts, book=book), Decoder(Devices, book=book)
    counts: dict[str, int] = {}
    tokens: dict[str, int] = {}
    written = unopened = 0
    if not is_only_counted:
        await publish_schemas(config.bootstrap)
    for partition in range(await partitions_of(config.bootstrap, changelog)):
        found: dict[bytes, bytes] = {}
        async for key, value in records_of(config.bootstrap, changelog, partition):
            if key[:1] in {CONTACT_ROWS, DEVICE_ROWS} and value is not None:
                found[key] = value
            else:
                found.pop(key, None)
        async with writing(config.bootstrap) as write:
            for key, value in found.items():
                payload = payload_of(key, value)
                if key[:1] == DEVICE_ROWS:
                    count((one.token for one in decode_devices(payload).known), cipher, tokens)
                    continue
                contacts = decode(payload)
                count((one.sealed for _, one in stated(contacts)), cipher, counts)
                facts, lost = sealed_anew(key[1:].decode().removeprefix(f"{SUBJECT}:"), contacts, cipher)
                unopened += lost
                for fact in [] if is_only_counted else facts:
                    await write(CONTACTS, encode(fact), key=key[1:], partition=partition)
                    written += 1
    return Resealed(counts, tokens, written, unopened)


def count(sealed: Iterable[bytes], cipher: Cipher, counts: dict[str, int]) -> None:
    """Add these to the counts by key."""
    for one in sealed:
        name = cipher.key_id_of(one)
        counts[name] = counts.get(name, 0) + 1


def stated(contacts: Contacts) -> Iterator[tuple[str, Address]]:
    """Addresses that events told, by field."""
    for name, address in (("email", contacts.email), ("phone", contacts.phone)):
        if address is not None and not contacts.is_told(name):
            yield name, address


def sealed_anew(user_id: str, contacts: Contacts, cipher: Cipher) -> tuple[list[ContactChanged], int]:
    """A fact for each address that an older key sealed; and how many no key opens."""
    facts: list[ContactChanged] = []
    lost = 0
    for name, address in stated(contacts):
        if cipher.key_id_of(address.sealed) == cipher.current:
            continue
        try:
            changed: dict[str, Any] = {name: cipher.seal(cipher.open(address.sealed))}
        except UnopenedError:
            lost += 1
            continue
        at = getattr(contacts, f"{name}_at")
        facts.append(ContactChanged(user_id=user_id, action=ContactAction.UPDATED, changed_at=at, **changed))
    return facts, lost
