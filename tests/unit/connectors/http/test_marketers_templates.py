"""Marketers read all templates over HTTP, and write those of marketing."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.templates import OF_PERSONS
from tests.unit.connectors.http.issuer import Desk, token
from tests.unit.connectors.http.template_api import BODY, PATH, Answer, template_api

pytestmark = pytest.mark.spec("NS-TPL-OP-01 NS-SEC-011")
SALE = BODY | {
    "name": "sale",
    "category": "marketing",
    "body": "Hello, {{ UserName }}! {{ UnsubscribeUrl }}",
    "variables": {"UserName": "string", "UnsubscribeUrl": "string"},
}
ID = "0d6c3a52-3a52-4c0e-9d5f-2f4b1f0a9c11"


class People:
    """The API, called by people."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def __call__(self, role: str, method: str, path: str = "", json: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {token(roles=role.split())}"}
        async with self._client.request(method, PATH + path, headers=headers, json=json) as found:
            body = await found.json(content_type=None) if found.status != 204 else None
            return Answer(found.status, body, found.headers)


async def test_a_marketer_writes_what_is_of_marketing_and_no_more() -> None:
    authority = Authority(KeyBook(()), (), Desk().tokens())
    async with template_api(authenticate=authority.authenticate) as api:
        people = People(api.client)
        sale = await people("marketer", "POST", json=SALE)
        assert (201, "marketing") == (sale.status, sale.body["category"])
        place = f"/{sale.body['id']}"
        edited = await people("marketer", "PUT", place, SALE | {"subject": "Today"})
        back = await people("marketer", "POST", f"{place}/rollback", {"version": 1})
        assert (200, 200, 3) == (edited.status, back.status, back.body["version"])
        status, code, told = (await people("marketer", "POST", json=BODY)).told
        assert (403, "forbidden", True) == (status, code, "marketing templates only" in told[0])
        welcome = f"/{(await people('admin', 'POST', json=BODY)).body['id']}"
        assert 403 == (await people("marketer", "PUT", welcome, BODY | {"category": "marketing"})).status
        assert 403 == (await people("marketer", "DELETE", place)).status
        assert 403 == (await people("marketer", "POST", f"{place}/test-send", {"recipient": "a@b.c"})).status
        assert 204 == (await people("marketer admin", "DELETE", place)).status


async def test_a_marketer_reads_all_but_no_persons_data() -> None:
    authority = Authority(KeyBook(()), (), Desk().tokens())
    async with template_api(authenticate=authority.authenticate) as api:
        people = People(api.client)
        welcome = f"/{(await people('admin', 'POST', json=BODY)).body['id']}"
        for path in ("", welcome, f"{welcome}/versions"):
            assert 200 == (await people("marketer", "GET", path)).status
            assert 403 == (await people("user", "GET", path)).status
        asked = {"data": {"UserName": "Ann"}}
        shown = await people("marketer", "POST", f"{welcome}/preview", asked)
        assert "Hello, Ann! Thank you for registering..." == shown.body["body"]
        refused = await people("marketer", "POST", f"{welcome}/preview", asked | {"message_id": ID})
        assert (403, "forbidden", [OF_PERSONS.detail]) == refused.told
        assert 404 == (await people("admin", "POST", f"{welcome}/preview", asked | {"message_id": ID})).status
