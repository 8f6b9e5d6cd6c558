"""A mailbox by plain requests: pages, counts, acts; and the page with the bell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.http.mailbox import page
from connectors.http.mailbox.operations import ACTS, PATH
from connectors.http.mailbox.ports import Item
from tests.unit.connectors.http.edge import edge
from tests.unit.connectors.http.issuer import token
from tests.unit.connectors.http.mailbox_desk import USER, Desk, desk

ITEMS = [Item(str(number), number) for number in range(1, 6)]
HIMSELF = {"Authorization": f"Bearer {token(sub=USER)}"}


@pytest.fixture
async def opened() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


async def asked(one: Desk, query: str = "") -> tuple[int, Any]:
    async with one.client.get(PATH + query, headers=HIMSELF) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_pages_go_from_the_newest_to_the_oldest(opened: Desk) -> None:
    """Mutations: a page that says there is another where there is none; a message twice."""
    opened.put(*ITEMS)
    found, query = [], "?limit=2"
    while True:
        _, answer = await asked(opened, query)
        found.append([one["message_id"] for one in answer["messages"]])
        if answer["next"] is None:
            break
        query = f"?limit=2&before={answer['next']}"
    assert [["5", "4"], ["3", "2"], ["1"]] == found


async def test_an_answer_counts_and_says_where_a_connection_goes_on(opened: Desk) -> None:
    opened.put(ITEMS[0]._replace(is_seen=True), ITEMS[1]._replace(is_archived=True), ITEMS[2])
    _, answer = await asked(opened)
    assert ({"total": 2, "unseen": 1, "unread": 2}, "3", None) == (
        answer["counts"],
        answer["cursor"],
        answer["next"],
    )
    assert [("3", False), ("1", True)] == [(one["message_id"], one["is_seen"]) for one in answer["messages"]]


async def test_nothing_is_a_page_too(opened: Desk) -> None:
    _, answer = await asked(opened)
    assert ([], "0") == (answer["messages"], answer["cursor"])


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=x", "?before=x", "?limit=%D9%A1"])
async def test_a_wrong_parameter_is_refused(opened: Desk, query: str) -> None:
    status, answer = await asked(opened, query)
    assert (400, "invalid_field") == (status, answer["code"])


async def test_a_copy_that_is_not_whole_answers_nothing(opened: Desk) -> None:
    opened.trouble = "being read"
    status, answer = await asked(opened)
    assert (503, "catching_up") == (status, answer["code"])


@pytest.mark.spec("NS-CH-053")
async def test_an_act_is_durable_before_its_202(opened: Desk) -> None:
    async with opened.client.post(ACTS, headers=HIMSELF, json={"read": "a"}) as answer:
        assert (202, {"act": "read", "message_ids": ["a"]}) == (answer.status, await answer.json())
    assert [(USER, "read", ["a"])] == [(said.user_id, said.act, said.message_ids) for _, said in opened.acts]
    opened.is_away = True
    async with opened.client.post(ACTS, headers=HIMSELF, json={"read": "a"}) as answer:
        assert 503 == answer.status


@pytest.mark.parametrize("body", [{}, {"token": "x"}, {"read": []}, [], {"read": "a", "ack": "a"}])
async def test_what_is_no_act_is_refused(opened: Desk, body: Any) -> None:
    async with opened.client.post(ACTS, headers=HIMSELF, json=body) as answer:
        assert 400 == answer.status


@pytest.mark.spec("NS-CH-054")
async def test_a_mailbox_is_for_its_user_alone(opened: Desk) -> None:
    shown = [
        {},
        {"Authorization": "Bearer ck_live_shop"},
        {"Authorization": f"Bearer {token(roles=['admin'])}"},
    ]
    found = []
    for headers in shown:
        async with opened.client.get(PATH, headers=headers) as answer:
            found.append(answer.status)
    assert [401, 403, 403] == found


@pytest.mark.parametrize("path", [page.PATH, page.SCRIPT_PATH, page.STYLE_PATH])
async def test_the_page_comes_with_a_policy_that_allows_this_server_only(opened: Desk, path: str) -> None:
    async with opened.client.get(path) as answer:
        text = await answer.text()
        assert (200, True) == (
            answer.status,
            "connect-src 'self'" in answer.headers["Content-Security-Policy"],
        )
    assert ("http:" in text, "https:" in text, "innerHTML" in text) == (False, False, False)


@pytest.mark.parametrize("path", [page.PATH, PATH, "/api/v1/notifications/ws"])
async def test_a_process_without_mailboxes_has_none_of_it(path: str) -> None:
    async with edge() as one, one.client.get(path) as answer:
        assert answer.status in {401, 404}
