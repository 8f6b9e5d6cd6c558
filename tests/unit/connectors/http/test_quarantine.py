"""An admin sees what is far above its average, and says what becomes of it; each order leaves a line."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.quarantine import PATH
from connectors.http.quotas import Counted, Quotas
from connectors.postgres.errors import PostgresUnavailableError
from schemas.codec import Decoder
from schemas.quarantine_words import LONGEST_APPROVAL_MS, flow_key
from schemas.records import AnomalyFound, QuarantineOrdered
from schemas.times import rfc3339
from schemas.topics import QUARANTINE
from tests.flows import CODE, NAMED, SOURCE
from tests.unit.connectors.http.edge import NOW, Edge, edge, entry
from tests.unit.connectors.http.issuer import Desk
from tests.unit.connectors.http.test_keys import ADMIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.access.actor import Actor
    from connectors.postgres.audit import Change

HELD = AnomalyFound(**NAMED, since=NOW, count=900, average=40, is_held=True, waiting=860)
RELEASE = {**NAMED, "order": "release"}
DECODE = Decoder(QuarantineOrdered)
KEY = {"Authorization": "Bearer ck_live_service"}


@dataclass
class Book:
    """What is anomalous, and the audit log."""

    known: list[AnomalyFound] = field(default_factory=lambda: [HELD])
    lines: list[tuple[str, Change]] = field(default_factory=list)
    is_away: bool = False
    is_unlogged: bool = False

    async def listed(self) -> list[AnomalyFound]:
        if self.is_away:
            raise ConnectionError
        return self.known

    async def note_down(self, actor: Actor, change: Change) -> None:
        if self.is_unlogged:
            raise PostgresUnavailableError("away")
        self.lines.append((actor.actor_id, change))


@asynccontextmanager
async def desk(book: Book | None = None) -> AsyncIterator[Edge]:
    book = book or Book()
    authority = Authority(KeyBook([entry("ck_live_service", "send")]), [], Desk().tokens(), None, lambda: NOW)
    counted = Counted(authority, Quotas(), lambda: NOW)
    ports: dict[str, Any] = {"list_anomalies": book.listed, "note_down": book.note_down}
    async with edge(authenticate=counted.authenticate, **ports) as one:
        yield one


async def ask(one: Edge, body: Any = None, headers: Any = ADMIN) -> tuple[int, Any]:
    raw = None if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    async with one.client.request(method, PATH, headers=headers, data=raw) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.spec("NS-SEC-OP-07")
async def test_what_is_anomalous_is_listed() -> None:
    figures = {"since": rfc3339(NOW), "count": 900, "average": 40, "is_held": True, "waiting": 860}
    async with desk() as one:
        assert (200, {"items": [{**NAMED, **figures}]}) == await ask(one)


@pytest.mark.spec("NS-SEC-OP-07 NS-SEC-005")
async def test_an_order_leaves_a_line_and_goes_where_the_requests_are() -> None:
    book = Book()
    async with desk(book) as one:
        assert (202, RELEASE) == await ask(one, RELEASE)
        (written,) = one.produced
    assert (QUARANTINE, flow_key(SOURCE, CODE)) == (written.topic, written.key)
    expected = QuarantineOrdered(source=SOURCE, notification_type=CODE, order="release")
    assert expected == DECODE(written.value)
    ((actor, line),) = book.lines
    assert ("user:ann", "quarantine.release", f"{SOURCE}/{CODE}") == (actor, line.action, line.object_id)
    assert line.before is not None
    assert 860 == line.before["waiting"]
    assert {"order": "release", "until": None} == line.after


@pytest.mark.spec("NS-SEC-OP-07")
async def test_a_run_is_approved_before_it_begins() -> None:
    until = rfc3339(NOW + LONGEST_APPROVAL_MS)
    async with desk(Book(known=[])) as one:
        status, told = await ask(one, {**NAMED, "order": "approve", "until": until})
        (written,) = one.produced
    assert (202, until) == (status, told["until"])
    assert NOW + LONGEST_APPROVAL_MS == DECODE(written.value).until


@pytest.mark.parametrize("order", ["release", "reject"])
async def test_what_is_not_anomalous_is_not_found(order: str) -> None:
    """Else a name that was mistyped would look as if it were done."""
    book = Book()
    async with desk(book) as one:
        status, _ = await ask(one, {**NAMED, "source": "shup", "order": order})
        assert (404, []) == (status, one.produced)
    assert [] == book.lines


async def test_nothing_is_rejected_of_what_is_only_told() -> None:
    async with desk(Book(known=[replace(HELD, is_held=False)])) as one:
        assert 404 == (await ask(one, {**RELEASE, "order": "reject"}))[0]
        assert 202 == (await ask(one, RELEASE))[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"order": "open"},
        {"order": "approve"},
        {"order": "approve", "until": "tomorrow"},
        {"order": "approve", "until": rfc3339(NOW)},
        {"order": "approve", "until": rfc3339(NOW + LONGEST_APPROVAL_MS + 1)},
        {"order": "release", "until": rfc3339(NOW + 1)},
        {"order": "release", "source": ""},
        {"order": "release", "source": "a\tb"},
        {"order": "release", "all": True},
    ],
)
async def test_a_body_that_is_none_orders_nothing(fields: dict[str, Any]) -> None:
    async with desk() as one:
        status, found = await ask(one, {**NAMED, **fields})
        assert (400, "invalid_field", []) == (status, found["code"], one.produced)


async def test_servers_that_are_away_are_told_and_nothing_is_ordered_without_a_line() -> None:
    async with desk(Book(is_away=True)) as one:
        assert 503 == (await ask(one))[0]
        assert (503, []) == ((await ask(one, RELEASE))[0], one.produced)
    async with desk(Book(is_unlogged=True)) as one:
        status, found = await ask(one, RELEASE)
        assert (503, "database_unavailable", []) == (status, found["code"], one.produced)


@pytest.mark.spec("NS-SEC-OP-07 NS-SEC-011")
async def test_a_service_may_neither_look_nor_order() -> None:
    async with desk() as one:
        for body in (None, RELEASE):
            assert 403 == (await ask(one, body, KEY))[0]
            assert 401 == (await ask(one, body, {}))[0]
        assert [] == one.produced
