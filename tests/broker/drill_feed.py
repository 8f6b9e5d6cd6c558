"""What happens around the restore drill: requests, choices of users, changes that people make."""

from __future__ import annotations

from typing import Any

import yaml

from connectors.access.actor import PRODUCT
from connectors.access.keys import Wanted
from connectors.postgres.reference import ReferenceStore
from schemas.records import SeenTag
from streams.access import desk_of
from streams.applying import apply_directory, relay
from streams.outside import cipher_of
from streams.servers import database_of
from streams.settings import Settings
from tests.broker.house.book import user, write_book
from tests.broker.house.house import House, Sent

REQUESTS = "notification.send.request"
ORDERS = Wanted("orders", ("send",))
PEOPLE = [f"drill-{number}" for number in range(8)]


async def first_key(house: House) -> str:
    """A key that is in each backup; its id."""
    settings = Settings(data_dir=house.folder / "here", **house.settings)
    database = database_of(settings)
    try:
        return (await desk_of(settings, database).create(ORDERS, PRODUCT)).record.key_id
    finally:
        await database.close()


async def changed(house: House, key_id: str) -> None:
    """What a person does after the backup: texts changed and new, a tag less, a key less, a new key."""
    settings = Settings(data_dir=house.folder / "here", **house.settings)
    folder = write_book(house.folder / "second-book")
    changed = folder / "templates" / "welcome.email.en.yaml"
    template = yaml.safe_load(changed.read_text(encoding="utf-8"))
    changed.write_text(yaml.safe_dump(template | {"body": "Changed"}), encoding="utf-8")
    (folder / "templates" / "later.email.en.yaml").write_text(
        "subject: Later\nbody: Later\n", encoding="utf-8"
    )
    database = database_of(settings)
    try:
        assert 2 == len(await apply_directory(settings, folder))
        store = ReferenceStore(database, cipher_of(settings))
        assert ["tag:promotions"] == await store.remove([SeenTag(tag="promotions", destinations=[])])
        await relay(settings, database)
        desk = desk_of(settings, database)
        assert await desk.revoke(key_id, PRODUCT)
        await desk.create(ORDERS, PRODUCT)
    finally:
        await database.close()


def asked_for(key: str, at: int | None = None, **fields: Any) -> Sent:
    """One request of one of the people."""
    request = {
        "user_id": user(PEOPLE[len(key) % len(PEOPLE)]),
        "notification_type": "system_alert",
        "idempotency_key": key,
        "data": {"Text": key},
    }
    return Sent(REQUESTS, request | fields, key, (("source", "drill"),), at)


def chosen(event_type: str, **data: str) -> Sent:
    """What one of the people says of messages to the phone."""
    value = {"event_type": event_type, "user_id": user(PEOPLE[0]), "data": {"channel_type": "sms", **data}}
    return Sent("user.events", value, user(PEOPLE[0]))


def device() -> Sent:
    """Somebody has a phone."""
    data = {"platform": "ios", "token": "phone-of-the-drill"}
    value = {"event_type": "user.device_registered", "user_id": user("drill-phone"), "data": data}
    return Sent("user.events", value, user("drill-phone"))


def asked(part: str) -> list[Sent]:
    """Requests that become messages, one that is repeated, one of a type that is not there."""
    whole = [
        asked_for(f"{part}-{number}", user_id=user(name)) for number in range(5) for name in (PEOPLE[number],)
    ]
    return [*whole, whole[0], asked_for(f"{part}-odd", notification_type="nobody_knows_it")]
