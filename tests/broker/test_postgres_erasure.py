"""Rows of an erased person: nobody's, or evidence under another name; what came since is his."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.cipher import Cipher
from connectors.postgres.database import Database
from connectors.postgres.persons import UNREADABLE, rows_of
from connectors.postgres.rows import RowWriter
from schemas.ids import NOBODY, derived, person_named
from schemas.records import DeviceRow, PersonErased, PreferenceRow, QuietHours
from tests.sample_rows import NOW, USER, decided, logged, message, migrated
from tests.written_rows import rows, write

CIPHER = Cipher({"k1": bytes(64)}, current="k1")
NAME = "Annabel"
ADDRESS = f"{NAME}@example.com".encode()
ERASED = PersonErased(
    user_id=USER, person=person_named("a keyed hash"), deleted_at=NOW, erased_at=NOW + 1_000
)
OTHER = derived("test", "another user")
TABLES = """
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


def choices(user_id: str = USER, at: int = NOW) -> list[PreferenceRow]:
    def row(kind: str, **fields: Any) -> PreferenceRow:
        event_id = derived("test", user_id, kind, str(at))
        return PreferenceRow(event_id=event_id, user_id=user_id, kind=kind, changed_at=at, **fields)

    return [
        row("type", notification_type="news", channels=["email"]),
        row("unsubscribed", channel="sms", note=f"{NAME} is annoyed"),
        row("consent_granted", purpose="marketing", note="shop"),
        row("quiet_hours_changed", quiet=QuietHours(start=60, end=120)),
    ]


def device(user_id: str = USER, at: int = NOW - 1) -> DeviceRow:
    return DeviceRow(
        device_id=derived("test", user_id, "device", str(at)),
        user_id=user_id,
        platform="ios",
        token=CIPHER.seal(f"token of {NAME}".encode()),
        token_hash=f"{user_id} {at}",
        is_active=True,
        used_at=at,
        created_at=at,
        changed_at=at,
    )


LIFE: list[Any] = [
    decided(value=NAME),
    message(
        recipient=CIPHER.seal(ADDRESS),
        payload=json.dumps({"Name": NAME}).encode(),
        detail=f"no mailbox {NAME}",
        idempotency_key=NAME,
    ),
    logged(details=json.dumps({"detail": f"no mailbox {NAME}", "attempt": 1}).encode()),
    *choices(),
    device(),
]


async def where(postgres: Database, text: str) -> list[str]:
    """Tables in which the text can be read."""
    names = [row["name"] for row in await rows(postgres, TABLES)]
    found = []
    for name in names:
        query = f"SELECT count(*) AS n FROM {name} AS t WHERE t::TEXT ILIKE '%{text}%'"  # noqa: S608
        found += [name] * bool((await rows(postgres, query))[0]["n"])
    return found


@pytest.mark.spec("NS-SEC-OP-02")
async def test_nothing_of_an_erased_person_can_be_read(database: str) -> None:
    """Mutation: without `erase_log`: the address stays in a line of the log."""
    async with migrated(database) as postgres:
        await write(postgres, LIFE)
        before = await where(postgres, NAME)
        await write(postgres, [ERASED])
        left = [await where(postgres, text) for text in (NAME, USER, ADDRESS.hex())]
        (kept,) = await rows(postgres, "SELECT * FROM notification_messages")
        (line,) = await rows(postgres, "SELECT details FROM delivery_status_logs")
    assert 6 <= len(before)
    assert [[], [], []] == left
    assert (NOBODY, "", "", None) == (
        str(kept["user_id"]),
        kept["recipient"],
        kept["idempotency_key"],
        kept["payload"],
    )
    assert {"attempt": 1} == json.loads(line["details"])


@pytest.mark.spec("NS-SEC-OP-02 NS-SEC-OP-03")
async def test_evidence_stays_under_another_name_and_the_erasure_is_noted(database: str) -> None:
    async with migrated(database) as postgres:
        await write(postgres, LIFE)
        for _ in range(2):
            await write(postgres, [ERASED])
        consents = await rows(postgres, "SELECT user_id, action, at, source FROM user_consents")
        off = await rows(postgres, "SELECT user_id, channel_type, reason FROM user_global_unsubscribes")
        noted = await rows(postgres, "SELECT person FROM user_erasures")
    assert [(ERASED.person, "granted", "shop")] == [
        (str(row["user_id"]), row["action"], row["source"]) for row in consents
    ]
    assert [(ERASED.person, "sms", None)] == [
        (str(row["user_id"]), row["channel_type"], row["reason"]) for row in off
    ]
    assert [ERASED.person] == [str(row["person"]) for row in noted]


async def test_others_and_what_came_since_stay_as_they_are(database: str) -> None:
    """All in one batch. Mutation: no bound on the time: fails."""
    later = ERASED.erased_at + 1
    again: list[Any] = [decided(2, received_at=later), message(2, created_at=later), *choices(at=later)]
    others: list[Any] = [decided(3, user_id=OTHER), message(3, user_id=OTHER), *choices(OTHER)]
    others += [device(OTHER), device(at=NOW)]
    async with migrated(database) as postgres:
        await write(postgres, [*LIFE, *others, ERASED, *again])
        parts = [await rows_of(postgres, who, CIPHER) for who in (USER, OTHER)]
    found = [{part: len(values) for part, values in one.items()} for one in parts]
    whole = {
        "messages": 1,
        "status_log": 0,
        "requests": 1,
        "preferences": 1,
        "unsubscribes": 1,
        "consents": 1,
        "quiet_hours": 1,
        "devices": 1,
    }
    assert [whole, whole] == found


@pytest.mark.spec("NS-SEC-042")
async def test_an_export_has_every_part_with_the_address_in_clear(database: str) -> None:
    async with migrated(database) as postgres:
        await write(postgres, LIFE)
        found = await rows_of(postgres, USER, CIPHER)
        unreadable = await rows_of(postgres, USER, Cipher({"k2": bytes(64)}, current="k2"))
    assert {1} == {len(values) for values in found.values()}
    assert ADDRESS.decode() == found["messages"][0]["recipient"]
    assert f"token of {NAME}" == found["devices"][0]["token"]
    assert {"Name": NAME} == found["messages"][0]["payload"]
    assert UNREADABLE == unreadable["messages"][0]["recipient"]


async def test_data_that_were_sealed_on_their_way_stand_in_clear_in_the_row(database: str) -> None:
    """Of a withdrawn key there are none, and the sink goes on."""
    sealed = [message(payload=CIPHER.seal(b'{"Name":"Ann"}')), message(2, payload=b"\1\2k0" + bytes(20))]
    async with migrated(database) as postgres:
        writer = RowWriter(postgres, "app", Cipher({"k1": bytes(64)}, current="k1", withdrawn=["k0"]))
        await writer.open_task("rows", 0, 0)
        await writer.write("rows", 0, 0, 2, sealed)
        found = await rows(postgres, "SELECT payload FROM notification_messages ORDER BY idempotency_key")
    assert [{"Name": "Ann"}, {}] == [json.loads(row["payload"]) for row in found]
