"""A real WebSocket: who gets in and how, what he is told, what he says, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import WSMsgType, web

from connectors.http.mailbox.frames import LARGEST_FRAME
from connectors.http.mailbox.gateway import PATH
from connectors.http.mailbox.ports import Item, Limits, MailboxPorts
from connectors.http.mailbox.talk import Close, HangUpError, Talk, Who
from connectors.http.traces import Trace
from schemas.ids import subject_key
from schemas.times import rfc3339
from tests.unit.connectors.http.edge import NOW
from tests.unit.connectors.http.issuer import token
from tests.unit.connectors.http.mailbox_desk import PROTOCOL, USER, Desk, desk, ending, heard

A, B, C = (Item(name, number) for name, number in (("a", 10), ("b", 11), ("c", 20)))
NOTHING = {"counts": {"total": 0, "unseen": 0, "unread": 0}}


@pytest.fixture
async def opened() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


@pytest.mark.spec("NS-CH-050 NS-CH-051 NS-CH-OP-09")
async def test_who_connects_is_told_what_nobody_confirmed_and_how_much_there_is(opened: Desk) -> None:
    opened.put(A, B._replace(is_delivered=True))
    ws = await opened.connect()
    assert PROTOCOL == ws.protocol
    assert [
        {
            "message_id": "a",
            "notification_type": "order",
            "title": "title of a",
            "body": "body of a",
            "data": {"category": "transactional", "request_id": "r-1"},
            "created_at": rfc3339(NOW),
            "cursor": "10",
            "is_seen": False,
            "is_read": False,
        },
        {"counts": {"total": 2, "unseen": 2, "unread": 2}},
    ] == await heard(ws, 2)


@pytest.mark.spec("NS-CH-052")
async def test_what_comes_later_is_told_at_once_and_to_nobody_else(opened: Desk) -> None:
    mine, other = await opened.connect(), await opened.connect(token(sub="somebody-else"))
    assert [[NOTHING], [NOTHING]] == [await heard(mine, 1), await heard(other, 1)]
    opened.put(A)
    opened.put(B, user="somebody-else")
    told = [(await heard(ws, 2))[0]["message_id"] for ws in (mine, other)]
    assert ["a", "b"] == told


async def test_a_cursor_gives_what_came_after_it(opened: Desk) -> None:
    opened.put(A, B, C)
    ws = await opened.connect(query="?cursor=11")
    assert ["c", None] == [one.get("message_id") for one in await heard(ws, 2)]


async def test_what_another_device_did_is_told(opened: Desk) -> None:
    opened.put(A)
    ws = await opened.connect()
    await heard(ws, 2)
    opened.put(A._replace(is_seen=True, is_read=True))
    changed = {"message_id": "a", "is_seen": True, "is_read": True, "is_archived": False}
    assert [
        {"changed": [changed]},
        {"counts": {"total": 1, "unseen": 0, "unread": 0}},
    ] == await heard(ws, 2)


async def test_what_nobody_can_open_is_passed_over(opened: Desk) -> None:
    opened.put(Item("unreadable", 1), A)
    ws = await opened.connect()
    assert ["a", None] == [one.get("message_id") for one in await heard(ws, 2)]


@pytest.mark.spec("NS-CH-053")
@pytest.mark.parametrize("act", ["ack", "seen", "read", "archive"])
async def test_an_act_is_durable_before_it_is_answered(opened: Desk, act: str) -> None:
    ws = await opened.connect()
    await ws.send_json({act: ["a", "b", "a"]})
    assert [NOTHING, {"done": {act: ["a", "b"]}}] == await heard(ws, 2)
    ((key, said),) = opened.acts
    assert (subject_key(USER), USER, act, ["a", "b"], NOW) == (
        key,
        said.user_id,
        said.act,
        said.message_ids,
        said.at,
    )


async def test_an_act_that_the_broker_does_not_take_is_told_so_and_may_be_said_again(opened: Desk) -> None:
    ws = await opened.connect()
    opened.is_away = True
    await ws.send_json({"read": "a"})
    assert [NOTHING, {"failed": {"read": ["a"]}}] == await heard(ws, 2)
    opened.is_away = False
    await ws.send_json({"read": "a"})
    assert [{"done": {"read": ["a"]}}] == await heard(ws, 1)


async def test_when_the_token_ends_so_does_the_connection(opened: Desk) -> None:
    ws = await opened.connect()
    await heard(ws, 1)
    opened.now += 3_600_000
    opened.clients.wake([USER])
    assert Close.UNAUTHENTICATED == await ending(ws)
    assert ["unauthenticated"] == opened.closed_for


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{}", Close.NOT_UNDERSTOOD),
        ('{"read":"a","ack":"a"}', Close.NOT_UNDERSTOOD),
        ('{"delete":"a"}', Close.NOT_UNDERSTOOD),
        ('{"read":[]}', Close.NOT_UNDERSTOOD),
        ("x" * (LARGEST_FRAME + 1), 1009),
    ],
)
async def test_what_nobody_understands_ends_it(opened: Desk, frame: str, code: int) -> None:
    ws = await opened.connect()
    await ws.send_str(frame)
    assert code == await ending(ws)


async def test_bytes_are_not_text(opened: Desk) -> None:
    ws = await opened.connect()
    await ws.send_bytes(b"{}")
    assert Close.NOT_TEXT == await ending(ws)


async def test_a_user_has_so_many_connections_and_a_process_so_many(opened: Desk) -> None:
    one, two = await opened.connect(), await opened.connect()
    assert [[NOTHING], [NOTHING]] == [await heard(one, 1), await heard(two, 1)]
    assert Close.TOO_MANY == await ending(await opened.connect())
    others = [await opened.connect(token(sub=f"other-{number}")) for number in range(2)]
    assert [[NOTHING], [NOTHING]] == [await heard(ws, 1) for ws in others]
    async with opened.client.get(PATH) as answer:
        assert (503, "busy") == (answer.status, (await answer.json())["code"])


async def test_more_frames_than_a_minute_takes_end_it() -> None:
    async with desk(frames=2) as opened:
        ws = await opened.connect()
        for _ in range(3):
            await ws.send_json({"ack": "a"})
        assert Close.TOO_MANY == await ending(ws)


async def test_pings_are_answered_and_counted() -> None:
    """Mutation: aiohttp answers them by itself, as many as there are."""
    async with desk(frames=2) as opened:
        ws = await opened.connect(autoping=False)
        await heard(ws, 1)
        for _ in range(3):
            await ws.ping(b"x")
        pongs = [(one.type, one.data) for one in [await ws.receive(), await ws.receive()]]
        assert [(WSMsgType.PONG, b"x")] * 2 == pongs
        assert Close.TOO_MANY == await ending(ws)


async def test_whoever_is_here_is_sent_away_when_the_process_stops(opened: Desk) -> None:
    ws = await opened.connect()
    await heard(ws, 1)
    opened.clients.close()
    assert Close.GOING == await ending(ws)
    async with opened.client.get(PATH) as answer:
        assert 503 == answer.status


async def test_who_has_left_holds_no_place(opened: Desk) -> None:
    for _ in range(5):
        ws = await opened.connect()
        assert [NOTHING] == await heard(ws, 1)
        await ws.close()
        while opened.clients.count:
            await asyncio.sleep(0)
    assert 0 == opened.clients.count


async def test_a_copy_that_begins_anew_is_waited_for_by_who_is_here_and_lets_nobody_in(opened: Desk) -> None:
    ws = await opened.connect()
    await heard(ws, 1)
    opened.trouble = "mailboxes are being read"
    opened.put(A)
    async with opened.client.get(PATH) as answer:
        assert (503, "catching_up") == (answer.status, (await answer.json())["code"])
    opened.trouble = None
    opened.clients.wake([USER])
    assert "a" == (await heard(ws, 1))[0]["message_id"]


async def test_a_letter_that_comes_after_its_mailbox_is_waited_for_with_all_behind_it(opened: Desk) -> None:
    """Mutation: it is passed over, and the client's cursor goes past it."""
    opened.missing = {"b"}
    opened.put(A, B, C)
    ws = await opened.connect(query="?cursor=0")
    assert ["a", None] == [one.get("message_id") for one in await heard(ws, 2)]
    opened.missing = set()
    opened.clients.wake([USER])
    assert ["b", "c"] == [one.get("message_id") for one in await heard(ws, 2)]


async def test_a_defect_of_ours_ends_the_connection_and_says_so(opened: Desk) -> None:
    opened.put(Item("broken", 1))
    assert Close.OUR_FAULT == await ending(await opened.connect())


class Stuck:
    """A client who takes no frame and says nothing."""

    async def send_str(self, _text: str) -> None:
        await asyncio.Event().wait()

    def __aiter__(self) -> Stuck:
        return self

    async def __anext__(self) -> Any:
        await asyncio.Event().wait()


async def test_who_takes_no_frame_in_time_is_cut_off(opened: Desk) -> None:
    """Mutation: `_send` waits for ever."""
    own = MailboxPorts(opened, limits=Limits(send_s=0.0))
    talk = Talk((cast("Any", None), own), cast("web.WebSocketResponse", Stuck()), Who(USER, None, None))
    with pytest.raises(HangUpError) as end:
        await talk.run(asyncio.Event(), Trace("", "", "", ""))
    assert Close.SLOW == end.value.code


async def test_a_text_of_the_other_side_is_no_error_of_ours(opened: Desk) -> None:
    ws = await opened.connect()
    await ws.send_str("\ud7ff")
    assert Close.NOT_UNDERSTOOD == await ending(ws)
    assert WSMsgType.CLOSED == (await ws.receive()).type
