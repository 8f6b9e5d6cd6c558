"""An admin asks what is known of a person, and has it erased; each leaves a line first."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from agents.note import note
from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.persons import ERASURE_PATH, EXPORT_PATH
from connectors.http.quotas import Counted, Quotas
from connectors.postgres.errors import PostgresUnavailableError
from schemas.ids import subject_key
from schemas.inputs import decoder_of
from schemas.records import ContactChanged
from schemas.times import rfc3339
from schemas.topics import PREFERENCE_CHANGES
from tests.fakes import MemoryReference, PlainCipher
from tests.unit.connectors.http.edge import NOW, Edge, edge, entry
from tests.unit.connectors.http.issuer import Desk
from tests.unit.connectors.http.test_keys import ADMIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.access.actor import Actor

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
KNOWN = {"user_id": USER, "rows": {"messages": []}, "tables": {"contacts": [{"language": "ru"}]}}


@dataclass
class MemoryPersons:
    """A `Persons` in memory. `fault`: what reading raises."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    fault: Exception | None = None
    is_away: bool = False

    async def note(self, action: str, user_id: str, actor: Actor) -> str:
        if self.is_away:
            raise PostgresUnavailableError("away")
        self.lines.append((action, user_id, actor.actor_id))
        return "a-name"

    async def known(self, user_id: str) -> dict[str, Any]:
        if self.fault is not None:
            raise self.fault
        return {**KNOWN, "user_id": user_id}


@asynccontextmanager
async def desk(persons: MemoryPersons | None) -> AsyncIterator[Edge]:
    authority = Authority(KeyBook([entry("ck_live_service", "send")]), [], Desk().tokens(), None, lambda: NOW)
    counted = Counted(authority, Quotas(), lambda: NOW)
    async with edge(authenticate=counted.authenticate, persons=persons) as one:
        yield one


async def ask(one: Edge, method: str, path: str, body: Any = None, **given: Any) -> tuple[int, Any]:
    address = path.format(user_id=given.get("user_id", USER))
    raw = None if body is None else json.dumps(body).encode()
    headers = given.get("headers", ADMIN)
    async with one.client.request(method, address, headers=headers, data=raw) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.spec("NS-SEC-042 NS-SEC-OP-03")
async def test_an_export_tells_all_and_leaves_a_line() -> None:
    persons = MemoryPersons()
    async with desk(persons) as one:
        found = await ask(one, "GET", EXPORT_PATH, user_id=USER.upper())
    assert (200, KNOWN) == found
    assert [("person.export", USER, "user:ann")] == persons.lines


@pytest.mark.spec("NS-SEC-OP-02")
async def test_an_erasure_is_the_event_of_a_deletion() -> None:
    """Mutation: answered before the record is written."""
    persons = MemoryPersons()
    names = [{"id_type": "yandex_uid", "id": "4001"}]
    async with desk(persons) as one:
        found = await ask(one, "POST", ERASURE_PATH, {"known_as": names})
        (written,) = one.produced
    assert (202, {"person": "a-name", "asked_at": rfc3339(NOW)}) == found
    assert (PREFERENCE_CHANGES, subject_key(USER)) == (written.topic, written.key)
    event = decoder_of(PREFERENCE_CHANGES)(written.value)
    (fact,) = note(event, NOW, MemoryReference(), PlainCipher())
    assert isinstance(fact, ContactChanged)
    assert ("deleted", NOW, ["yandex_uid:4001"]) == (fact.action, fact.changed_at, fact.known_as)
    assert fact.is_demanded
    assert [("person.erase", USER, "user:ann")] == persons.lines


@pytest.mark.parametrize(
    ("persons", "code"),
    [
        (None, "database_unavailable"),
        (MemoryPersons(is_away=True), "database_unavailable"),
        (MemoryPersons(fault=PostgresUnavailableError("away")), "database_unavailable"),
        (MemoryPersons(fault=ConnectionError("away")), "broker_unavailable"),
    ],
)
async def test_servers_that_are_away_are_told(persons: MemoryPersons | None, code: str) -> None:
    async with desk(persons) as one:
        status, found = await ask(one, "GET", EXPORT_PATH)
    assert (503, code) == (status, found["code"])


@pytest.mark.spec("NS-SEC-OP-03")
async def test_nobody_is_erased_without_a_line() -> None:
    async with desk(MemoryPersons(is_away=True)) as one:
        status, _ = await ask(one, "POST", ERASURE_PATH, {})
        assert (503, []) == (status, one.produced)


@pytest.mark.parametrize(
    "body", [{"known_as": [{"id_type": "name", "id": "Ann"}]}, {"known_as": [{"id": "1"}]}, {"all": True}]
)
async def test_a_body_that_is_none_erases_nobody(body: dict[str, Any]) -> None:
    persons = MemoryPersons()
    async with desk(persons) as one:
        status, found = await ask(one, "POST", ERASURE_PATH, body)
        assert (400, "invalid_field", []) == (status, found["code"], one.produced)
    assert [] == persons.lines


@pytest.mark.parametrize(("method", "path"), [("GET", EXPORT_PATH), ("POST", ERASURE_PATH)])
async def test_a_service_may_do_neither(method: str, path: str) -> None:
    persons = MemoryPersons()
    async with desk(persons) as one:
        key = {"Authorization": "Bearer ck_live_service"}
        assert 403 == (await ask(one, method, path, {}, headers=key))[0]
        assert 401 == (await ask(one, method, path, {}, headers={}))[0]
    assert [] == persons.lines
