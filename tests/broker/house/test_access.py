"""An admin's token makes a key, the key sends, and opens nothing once it is revoked: two HTTP processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from connectors.clock import now_ms
from tests.broker.faults.system import Program, free_port
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import PATIENCE_S, House, Sent
from tests.broker.house.issuer import token

PREFIX = "/api/v1/notifications"
NAME, PHONE = "access", phone(751)
WANTED = {"service": "house-shop", "scopes": ["send"]}
TAKEN = """
SELECT DISTINCT idempotency_key AS name FROM notification_requests
WHERE user_id = $1::UUID AND outcome = 'accepted'
"""


async def ask(http: Program, credential: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and body of one answer."""
    url = f"http://127.0.0.1:{http.settings['http']['port']}{PREFIX}{path}"
    headers = {"Authorization": f"Bearer {credential}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers, json=body) as answer,
    ):
        return answer.status, json.loads(await answer.read() or b"null")


async def send(http: Program, key: str, name: str) -> int:
    """Ask for a message with this key; the status."""
    body = {"user_id": user(NAME), "notification_type": "hidden_repeat", "data": {"Text": name}}
    return (await ask(http, key, "POST", "/send", {**body, "idempotency_key": name}))[0]


async def until(status: int, http: Program, key: str, name: str) -> None:
    """Ask again and again; what this process answers changes once, when it has read the topic."""
    async with asyncio.timeout(PATIENCE_S):
        while await send(http, key, name) != status:
            await asyncio.sleep(0.1)


@asynccontextmanager
async def beside(house: House) -> AsyncIterator[Program]:
    """A second HTTP process of the installation."""
    own = {"port": free_port(), "ops_port": free_port(), "campaigns": "off"}
    settings = {
        **house.http.settings,
        "data_dir": str(house.folder / "http-beside-data"),
        "http": {**house.http.settings["http"], **own},
        "engine": {"worker_name": "house-http-beside"},
    }
    program = Program("http-beside", house.folder, ("streams.cli", "http"), settings)
    program.start()
    try:
        await program.until_ready()
        yield program
    finally:
        await program.stop()


async def test_a_key_of_an_admin_sends_at_once_and_no_process_takes_it_once_it_is_revoked(
    house: House,
) -> None:
    """The process that made or revoked it knows before it answers. Mutation: it does not wait: fails."""
    await house.send(Sent("user.events", known(NAME, phone=PHONE), user(NAME)))
    await house.read_by("intake", "recipient")
    async with beside(house) as other:
        status, made = await ask(house.http, token(), "POST", "/keys", WANTED)
        assert 201 == status, made
        key, key_id = made["secret"], made["key"]["key_id"]
        assert 202 == await send(house.http, key, "access-1")
        await until(202, other, key, "access-2")
        assert 403 == (await ask(other, key, "GET", "/keys"))[0]
        assert 204 == (await ask(other, token(), "DELETE", f"/keys/{key_id}"))[0]
        assert 401 == await send(other, key, "access-3")
        await until(401, house.http, key, "access-2")
        assert [401, 401] == [await send(one, key, "access-3") for one in (house.http, other)]
    rows = await house.rows(TAKEN, [user(NAME)], 2)
    assert ["access-1", "access-2"] == sorted(row["name"] for row in rows)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"aud": "another"}, 401),
        ({"iss": "https://id.thief"}, 401),
        ({"exp": now_ms() // 1000 - 3600}, 401),
        ({"roles": ["user"]}, 403),
        ({"roles": ["marketer"]}, 403),
        ({}, 200),
    ],
    ids=["audience", "issuer", "expired", "user", "marketer", "admin"],
)
async def test_only_a_good_token_of_an_admin_sees_keys(house: House, changes: Any, status: int) -> None:
    assert status == (await ask(house.http, token(**changes), "GET", "/keys"))[0]


@pytest.mark.spec("NS-API-OP-02")
async def test_a_user_reads_what_is_his_own_and_nothing_of_another(house: House) -> None:
    mine = token(roles=["user"], sub=user(NAME))
    asked = [await ask(house.http, mine, "GET", f"/preferences/{user(name)}") for name in (NAME, "other")]
    assert [200, 403] == [found[0] for found in asked]
