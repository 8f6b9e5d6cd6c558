"""The routes of API keys, over keys in memory: an admin's only, and no secret twice."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from connectors.access.desk import KeyDesk
from connectors.access.key_book import KeyBook
from connectors.access.memory_keys import MemoryKeys
from connectors.http.authority import Authority
from connectors.http.keys import PATH
from connectors.http.quotas import Counted, Quotas
from connectors.postgres.errors import PostgresUnavailableError
from tests.unit.connectors.http.edge import NOW, Edge, edge, entry
from tests.unit.connectors.http.issuer import Desk, token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ADMIN = {"Authorization": f"Bearer {token(sub='ann', roles=['admin'])}"}
ORDERS = {"service": "orders", "scopes": ["send"]}


async def done() -> None:
    """Nothing to publish."""


@asynccontextmanager
async def desk(store: Any = None) -> AsyncIterator[tuple[Edge, MemoryKeys]]:
    keys = store or MemoryKeys()
    book = KeyBook([entry("ck_live_service", "templates", "send", "gateway")])
    authority = Authority(book, [], Desk().tokens(), None, lambda: NOW)
    counted = Counted(authority, Quotas(), lambda: NOW)
    desk_ = KeyDesk(keys, done, lambda: NOW)
    async with edge(authenticate=counted.authenticate, keys=desk_) as one:
        yield one, keys


async def ask(one: Edge, method: str, path: str = PATH, body: Any = None, **given: Any) -> tuple[int, Any]:
    headers = given.get("headers", ADMIN)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with one.client.request(method, path, headers=headers, data=raw) as response:
        return response.status, await response.json(content_type=None)


async def test_a_key_is_made_shown_once_changed_over_and_revoked() -> None:
    async with desk() as (one, keys):
        status, made = await ask(one, "POST", body={**ORDERS, "lives_s": 60, "per_minute": 5})
        key_id = made["key"]["key_id"]
        assert (201, "orders", "2027-01-15T08:01:00Z") == (
            status,
            made["key"]["service"],
            made["key"]["expires_at"],
        )
        turned = await ask(one, "POST", f"{PATH}/{key_id}/rotate", {"grace_s": 30})
        assert (201, 5) == (turned[0], turned[1]["key"]["per_minute"])
        assert (204, None) == await ask(one, "DELETE", f"{PATH}/{key_id}")
        status, listed = await ask(one, "GET")
    assert (200, 2) == (status, len(listed["items"]))
    ends = {item["key_id"]: (item.get("expires_at"), item.get("revoked_at")) for item in listed["items"]}
    assert ("2027-01-15T08:00:30Z", "2027-01-15T08:00:00Z") == ends[key_id]
    assert [] == [text for text in (made["secret"], "sha256") if text in str(listed)]
    assert ["key.create", "key.create", "key.expire", "key.revoke"] == [line[0] for line in keys.lines]
    assert {"user:ann"} == {line[2] for line in keys.lines}


@pytest.mark.spec("NS-SEC-011")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {token(roles=['marketer', 'user'])}"},
        {"Authorization": "Bearer ck_live_service"},
    ],
    ids=["nobody", "a marketer", "a service"],
)
async def test_nobody_but_an_admin_sees_or_changes_keys(headers: dict[str, str]) -> None:
    asked = (("POST", PATH), ("GET", PATH), ("DELETE", f"{PATH}/0f3a5c7e9b1d"), ("POST", f"{PATH}/x/rotate"))
    async with desk() as (one, keys):
        found = {(await ask(one, method, path, ORDERS, headers=headers))[0] for method, path in asked}
    assert ({403 if headers else 401}, []) == (found, keys.lines)


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b"{", "invalid_json", None),
        (b"\xff", "invalid_json", None),
        ({"scopes": ["send"]}, "invalid_field", ""),
        ({**ORDERS, "service": "Orders!"}, "invalid_field", "/service"),
        ({**ORDERS, "scopes": []}, "invalid_field", "/scopes"),
        ({**ORDERS, "scopes": ["root"]}, "invalid_field", "/scopes"),
        ({**ORDERS, "lives_s": 0}, "invalid_field", "/lives_s"),
        ({**ORDERS, "owner": "me"}, "invalid_field", ""),
        ({**ORDERS, "x": "y" * 5_000}, "too_large", None),
    ],
)
async def test_a_wish_that_is_none_is_refused(body: Any, code: str, pointer: str | None) -> None:
    async with desk() as (one, keys):
        _, found = await ask(one, "POST", body=body)
    assert (code, [] if pointer is None else [pointer]) == (
        found["code"],
        [error["pointer"] for error in found["errors"]],
    )
    assert [] == keys.lines


async def test_a_whole_number_may_be_written_with_a_point() -> None:
    """JSON has one kind of number, and some clients write each as `60.0`. Half a second is none."""
    async with desk() as (one, _):
        _, made = await ask(
            one, "POST", body=b'{"service":"a","scopes":["send"],"lives_s":6e1,"per_minute":5.0}'
        )
        assert ("2027-01-15T08:01:00Z", "5") == (made["key"]["expires_at"], str(made["key"]["per_minute"]))
        path = f"{PATH}/{made['key']['key_id']}/rotate"
        assert [201, 400] == [
            (await ask(one, "POST", path, body))[0] for body in (b'{"grace_s":30.0}', b'{"grace_s":30.5}')
        ]


async def test_a_third_live_key_is_a_conflict_and_an_unknown_one_is_not_found() -> None:
    async with desk() as (one, _):
        found = [(await ask(one, "POST", body=ORDERS))[0] for _ in range(3)]
        found.append((await ask(one, "DELETE", f"{PATH}/0f3a5c7e9b1d"))[0])
        found.append((await ask(one, "POST", f"{PATH}/0f3a5c7e9b1d/rotate", {}))[0])
    assert [201, 201, 409, 404, 404] == found


async def test_while_the_database_is_away_an_admin_comes_again() -> None:
    class Away(MemoryKeys):
        async def listed(self) -> Any:
            raise PostgresUnavailableError

    async with desk(Away()) as (one, _):
        status, problem = await ask(one, "GET")
    assert (503, "database_unavailable") == (status, problem["code"])
