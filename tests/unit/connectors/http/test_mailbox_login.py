"""Who gets into the mailbox's WebSocket, by what, and how others are told that they do not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import WSServerHandshakeError
from multidict import CIMultiDict

from connectors.http.mailbox.gateway import MOST_CONTROL, PATH
from connectors.http.mailbox.ports import Item
from connectors.http.mailbox.talk import Close
from tests.unit.connectors.http.edge import NOW
from tests.unit.connectors.http.issuer import token
from tests.unit.connectors.http.mailbox_desk import PROTOCOL, USER, Desk, desk, ending, heard

A, B = (Item(name, number) for name, number in (("a", 10), ("b", 11)))
NOTHING = {"counts": {"total": 0, "unseen": 0, "unread": 0}}


@pytest.fixture
async def opened() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


@pytest.mark.spec("NS-CH-054")
async def test_a_token_may_come_in_the_first_frame_with_the_cursor(opened: Desk) -> None:
    opened.put(A, B)
    ws = await opened.connect(protocols=(PROTOCOL,))
    await ws.send_json({"token": token(sub=USER), "cursor": "10"})
    assert ["b", None] == [one.get("message_id") for one in await heard(ws, 2)]


async def test_a_token_may_come_in_the_header_of_clients_that_can_set_it(opened: Desk) -> None:
    ws = await opened.connect(protocols=(), headers={"Authorization": f"Bearer {token(sub=USER)}"})
    assert [NOTHING] == await heard(ws, 1)


async def test_a_user_is_the_same_in_capitals(opened: Desk) -> None:
    opened.put(A)
    ws = await opened.connect(token(sub=USER.upper()))
    assert "a" == (await heard(ws, 1))[0]["message_id"]


@pytest.mark.spec("NS-CH-054")
@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (token(sub=USER, exp=NOW // 1000 - 60), Close.UNAUTHENTICATED),
        (token(sub=USER, roles=["admin"]), Close.FORBIDDEN),
        ("ck_live_shop", Close.UNAUTHENTICATED),
        ("nonsense", Close.UNAUTHENTICATED),
    ],
)
async def test_others_are_closed_with_a_code_that_says_why(opened: Desk, shown: str, code: Close) -> None:
    assert code == await ending(await opened.connect(shown))


@pytest.mark.parametrize("frame", ['{"read":"a"}', '{"cursor":"1"}', "[]", '{"token":"ck_live_shop"}'])
async def test_a_first_frame_without_a_token_is_none(opened: Desk, frame: str) -> None:
    ws = await opened.connect(protocols=(PROTOCOL,))
    await ws.send_str(frame)
    assert Close.UNAUTHENTICATED == await ending(ws)


async def test_who_says_nothing_is_not_waited_for() -> None:
    async with desk(login_s=0.0) as opened:
        assert Close.UNAUTHENTICATED == await ending(await opened.connect(protocols=(PROTOCOL,)))


async def test_a_token_in_the_address_is_refused(opened: Desk) -> None:
    async with opened.client.get(f"{PATH}?access_token={token(sub=USER)}") as answer:
        assert (400, "credentials_in_url") == (answer.status, (await answer.json())["code"])


async def test_a_token_without_our_subprotocol_is_refused_before_anything_logs_it(
    opened: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(WSServerHandshakeError, match="400"):
        await opened.connect(protocols=("bearer.secret-of-somebody",))
    assert "secret-of-somebody" not in caplog.text


async def test_so_is_one_whose_line_comes_before_that_of_our_subprotocol(
    opened: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Mutation: the lines are joined, and aiohttp, which reads the first alone, logs it."""
    name = "Sec-WebSocket-Protocol"
    lines = CIMultiDict([(name, "bearer.secret-of-somebody"), (name, PROTOCOL)])
    with pytest.raises(WSServerHandshakeError, match="400"):
        await opened.client.ws_connect(PATH, headers=lines)
    assert "secret-of-somebody" not in caplog.text


async def test_who_has_not_said_who_he_is_takes_a_place_too(opened: Desk) -> None:
    """Mutation: places are counted from the login on."""
    silent = [await opened.connect(protocols=(PROTOCOL,)) for _ in range(4)]
    with pytest.raises(WSServerHandshakeError, match="503"):
        await opened.connect(protocols=(PROTOCOL,))
    await silent[0].send_str("[]")
    assert Close.UNAUTHENTICATED == await ending(silent[0])


async def test_pings_are_no_first_frame_and_not_waited_out_for_ever(opened: Desk) -> None:
    ws = await opened.connect(protocols=(PROTOCOL,))
    await ws.ping()
    await ws.send_json({"token": token(sub=USER)})
    assert [NOTHING] == await heard(ws, 1)
    other = await opened.connect(protocols=(PROTOCOL,))
    for _ in range(MOST_CONTROL):
        await other.ping()
    assert Close.UNAUTHENTICATED == await ending(other)


async def test_a_request_without_an_upgrade_is_told_what_is_spoken_here(opened: Desk) -> None:
    async with opened.client.get(PATH) as answer:
        assert (426, "websocket") == (answer.status, answer.headers["Upgrade"])
    async with opened.client.get(f"{PATH}?cursor=x") as answer:
        assert 400 == answer.status
