"""`GET /api/v1/notifications/mailbox` and `POST …/mailbox/acts`: the same without a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from connectors.http.bodies import whole
from connectors.http.mailbox.acting import acted
from connectors.http.mailbox.bodies import ActAnswer, MailboxAnswer
from connectors.http.mailbox.frames import (
    CURSOR,
    LARGEST_FRAME,
    LATEST_NUMBER,
    Said,
    counted,
    message_of,
    number_of,
    read_frame,
)
from connectors.http.mailbox.gateway import SOON, WRONG_CURSOR, served
from connectors.http.mailbox.ports import NotCaughtUpError
from connectors.http.problems import Code, Fault, ProblemError, json_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from connectors.http.mailbox.ports import Item, Mailboxes
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

LIMIT, MOST = 20, 100
WRONG_LIMIT: Final = ProblemError(Code.INVALID_FIELD, [Fault("", f"limit must be a number from 1 to {MOST}")])
NO_ACT: Final = ProblemError(
    Code.INVALID_FIELD, [Fault("", "must be one of ack, seen, read, archive, with ids")]
)


class ShowMailbox:
    """`GET`: a page."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer the newest messages, or those before a cursor."""
        own, before, limit = served(self._ports), _before(request), _limit(request)
        user_id = _user(caller)
        try:
            items = own.mailboxes.of(user_id)
            answer = _page(own.mailboxes, (user_id, items), before, limit)
        except NotCaughtUpError:
            raise ProblemError(Code.CATCHING_UP, headers=SOON) from None
        response = json_response(msgspec.json.encode(answer), trace.request_id)
        response.headers["Cache-Control"] = "no-store"
        return response


class ActOnMailbox:
    """`POST`: one frame, as a client of the WebSocket would send it."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer 202 once it is durable."""
        served(self._ports)
        if (request.content_length or 0) > LARGEST_FRAME:
            raise ProblemError(Code.TOO_LARGE)
        said = read_frame(await whole(request))
        if not isinstance(said, Said):
            raise NO_ACT
        if not await acted(self._ports, _user(caller), said, trace):
            raise ProblemError(Code.BROKER_UNAVAILABLE, headers=SOON)
        answer = ActAnswer(act=said.act, message_ids=said.message_ids)
        return json_response(msgspec.json.encode(answer), trace.request_id, 202)


def _page(mailboxes: Mailboxes, of: tuple[str, Sequence[Item]], before: int, limit: int) -> MailboxAnswer:
    user_id, items = of
    shown = [one for one in reversed(items) if one.number < before and not one.is_archived]
    page = shown[:limit]
    letters = [(one, mailboxes.letter(user_id, one.message_id)) for one in page]
    return MailboxAnswer(
        messages=[message_of(one, letter) for one, letter in letters if letter is not None],
        counts=counted(items),
        cursor=str(items[-1].number if items else 0),
        next=str(page[-1].number) if len(shown) > limit else None,
    )


def _user(caller: Caller) -> str:
    assert caller.only is not None, "the policy lets in nobody but users"
    return caller.only.lower()


def _before(request: web.Request) -> int:
    text = request.rel_url.query.get("before")
    if text is None:
        return LATEST_NUMBER
    if not CURSOR.fullmatch(text):
        raise WRONG_CURSOR
    return number_of(text)


def _limit(request: web.Request) -> int:
    text = request.rel_url.query.get("limit", str(LIMIT))
    if not CURSOR.fullmatch(text) or not 1 <= int(text) <= MOST:
        raise WRONG_LIMIT
    return int(text)
