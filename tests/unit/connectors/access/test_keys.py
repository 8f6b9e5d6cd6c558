"""Keys as they are made, kept in memory, known to a process, and masked."""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec
import pytest
from msgspec.structs import replace

from connectors.access.actor import PRODUCT
from connectors.access.desk import KeyDesk
from connectors.access.key_book import HOUR_MS, KeyBook
from connectors.access.keys import SCOPES, Wanted, ended, made, revoked
from connectors.access.masking import MASKED, SHOWN, masked
from connectors.access.memory_keys import MemoryKeys
from connectors.http.access import TABLE
from connectors.http.authority import GATEWAY_SCOPE
from connectors.http.credentials import PREFIXES
from connectors.http.policies import Himself, NeedsKey, NeedsRole
from connectors.reference.wire import NAMES
from schemas.records import ApiKey
from tests.key_promises import ANN, DAY, NOW, SHOP, KeyPromises


class TestMemoryKeys(KeyPromises):
    @pytest.fixture
    def store(self) -> MemoryKeys:
        return MemoryKeys()


def test_a_key_has_a_prefix_its_id_and_256_random_bits_and_only_its_hash_is_in_the_record() -> None:
    found = [made(SHOP, NOW), made(SHOP._replace(is_test=True), NOW)]
    assert all(
        re.fullmatch(rf"{prefix}{one.record.key_id}_[\w-]{{43}}", one.secret)
        for prefix, one in zip(PREFIXES, found, strict=True)
    )
    assert [one.record.sha256 for one in found] == [sha256(one.secret.encode()).hexdigest() for one in found]
    assert 200 == len({made(SHOP, NOW).secret for _ in range(200)})


def test_an_earlier_end_of_its_own_stays() -> None:
    key = made(SHOP._replace(lives_ms=DAY), NOW).record
    assert (NOW + DAY, NOW + 1) == (ended(key, NOW + 2 * DAY).expires_at, ended(key, NOW + 1).expires_at)


def test_scopes_are_those_of_the_access_table_and_the_gateways() -> None:
    policies = [row.policy.others if isinstance(row.policy, Himself) else row.policy for row in TABLE]
    asked = {policy.scope for policy in policies if isinstance(policy, NeedsRole | NeedsKey)}
    assert {*SCOPES} == (asked - {None}) | {GATEWAY_SCOPE}


def told(book: KeyBook, record: ApiKey) -> None:
    book.apply(record.key_id.encode(), msgspec.json.encode(record))


def is_known(book: KeyBook, secret: str, now: int = NOW) -> bool:
    return book.find(sha256(secret.encode()).digest(), now) is not None


def test_a_process_knows_a_key_until_it_ends_or_is_revoked() -> None:
    book, one = KeyBook(), made(SHOP, NOW)
    found = [is_known(book, one.secret)]
    told(book, one.record)
    found.append(is_known(book, one.secret))
    told(book, ended(one.record, NOW + DAY))
    found += [is_known(book, one.secret, NOW + DAY - 1), is_known(book, one.secret, NOW + DAY)]
    told(book, revoked(ended(one.record, NOW + DAY), NOW))
    found.append(is_known(book, one.secret))
    assert [False, True, True, False, False] == found


def test_an_older_version_does_not_bring_a_revoked_key_back() -> None:
    book, one = KeyBook(), made(SHOP, NOW)
    told(book, revoked(one.record, NOW))
    told(book, one.record)
    assert not is_known(book, one.secret)


@pytest.mark.parametrize("value", [b"{", b"{}", b"\xff", b"[" * 10_000, None])
def test_a_key_whose_record_cannot_be_read_opens_nothing(value: bytes | None) -> None:
    """What it says may be that the key is revoked."""
    book, one = KeyBook(), made(SHOP, NOW)
    told(book, one.record)
    book.apply(one.record.key_id.encode(), value)
    assert not is_known(book, one.secret)


def test_a_hash_that_is_none_hurts_no_other_key() -> None:
    book, one = KeyBook(), made(SHOP, NOW)
    told(book, replace(one.record, key_id="other", sha256="xyz"))
    told(book, one.record)
    assert is_known(book, one.secret)


def test_uses_are_told_once_an_hour() -> None:
    book, one = KeyBook(), made(SHOP, NOW)
    told(book, one.record)
    found = []
    for at in (NOW, NOW + 1, NOW + HOUR_MS):
        is_known(book, one.secret, at)
        found.append(book.used())
    hour = NOW - NOW % HOUR_MS
    assert [{one.record.key_id: hour}, {}, {one.record.key_id: hour + HOUR_MS}] == found


async def test_a_new_key_is_shown_even_if_it_cannot_be_made_known_yet() -> None:
    async def away() -> None:
        raise ConnectionError("no broker")

    store = MemoryKeys()
    desk = KeyDesk(store, away, lambda: NOW)
    found = await desk.create(Wanted("shop", ("send",)), ANN)
    successor = await desk.rotate(found.record.key_id, DAY, PRODUCT)
    assert successor is not None
    assert await desk.revoke(found.record.key_id, ANN)
    assert [
        ("key.create", found.record.key_id, "user:ann"),
        ("key.create", successor.record.key_id, "carillon"),
        ("key.expire", found.record.key_id, "carillon"),
        ("key.revoke", found.record.key_id, "user:ann"),
    ] == store.lines


def test_every_field_of_what_is_audited_is_shown_or_masked_on_purpose() -> None:
    fields = {field.name for kind in (*NAMES, ApiKey) for field in msgspec.structs.fields(kind)}
    assert fields == SHOWN | MASKED
    assert not SHOWN & MASKED


@pytest.mark.spec("NS-SEC-OP-03")
def test_masked_fields_show_only_that_they_are_there() -> None:
    record = {"name": "main", "config": {"password": "hunter2"}, "strange": 7, "empty": None}
    assert {"name": "main", "config": "***", "strange": "***", "empty": None} == masked(record)
    assert masked(None) is None
