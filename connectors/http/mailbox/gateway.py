"""`GET /api/v1/notifications/ws`: a WebSocket tells a user of his messages in the app (NS-CH-050…055)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import WSMsgType, web

from connectors.http.access import MAILBOX, PREFIX
from connectors.http.credentials import Asked, TokenShown, shown
from connectors.http.mailbox.frames import (
    BEARER,
    CURSOR,
    LARGEST_FRAME,
    PROTOCOL,
    Login,
    number_of,
    read_frame,
)
from connectors.http.mailbox.talk import Close, HangUpError, Talk, Who, hung_up
from connectors.http.problems import Code, Fault, ProblemError

if TYPE_CHECKING:
    from connectors.http.credentials import Credential
    from connectors.http.mailbox.ports import MailboxPorts
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

_log = structlog.get_logger(__name__)
PATH: Final = f"{PREFIX}/ws"
SOON: Final = {"Retry-After": "1"}
CLOSING_S: Final = 2.0
MOST_CONTROL: Final = 10
"""Frames of a client who has not said who he is, of which the last may be a ping."""
CLOSES: Final = {
    Code.UNAUTHENTICATED: Close.UNAUTHENTICATED,
    Code.THROTTLED: Close.TOO_MANY,
    Code.CREDENTIALS_UNAVAILABLE: Close.TRY_LATER,
}
WRONG_CURSOR: Final = ProblemError(Code.INVALID_FIELD, [Fault("", "cursor is none that a frame gave")])
WRONG_PROTOCOL: Final = ProblemError(Code.INVALID_FIELD, [Fault("", f"the subprotocol is {PROTOCOL}")])
NO_UPGRADE: Final = ProblemError(Code.NO_UPGRADE, headers={"Upgrade": "websocket"})


class Gateway:
    """The handler. Who is refused is told so by a close code: a browser shows its page no status."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.StreamResponse:
        """Talk until either side ends it."""
        own, cursor = served(self._ports), _cursor_in(request)
        if own.clients.is_full:
            raise ProblemError(Code.BUSY, headers=SOON)
        first = _listed(request.headers.get("Sec-WebSocket-Protocol", ""))
        if first and PROTOCOL not in first:  # aiohttp reads this line alone, and would log it, tokens too
            raise WRONG_PROTOCOL
        ws = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            heartbeat=own.limits.ping_s,
            max_msg_size=LARGEST_FRAME,
            compress=False,
            timeout=CLOSING_S,
            autoping=False,  # pings are frames: who floods us with them is counted, too
        )
        if not ws.can_prepare(request):
            raise NO_UPGRADE
        own.clients.arrive()
        try:
            await self._serve(ws, request, own, (cursor, trace))
        finally:
            own.clients.go()
        return ws

    async def _serve(
        self,
        ws: web.WebSocketResponse,
        request: web.Request,
        own: MailboxPorts,
        came: tuple[int | None, Trace],
    ) -> None:
        cursor, trace = came
        await ws.prepare(request)
        try:
            who = await self._login(ws, request, cursor, own.limits.login_s)
            await self._talk(ws, who, own, trace)
        except HangUpError as end:
            own.figures.closed(end.code.name.lower())
            await hung_up(ws, end.code, request)
        except ConnectionError:  # the client is gone
            pass
        except Exception:  # noqa: BLE001 - it is too late for an answer
            _log.exception("connection_failed", trace_id=trace.trace_id)
            await hung_up(ws, Close.OUR_FAULT, request)

    async def _talk(self, ws: web.WebSocketResponse, who: Who, own: MailboxPorts, trace: Trace) -> None:
        wake = own.clients.enter(who.user_id)
        if wake is None:
            raise HangUpError(Close.TOO_MANY)
        try:
            await Talk((self._ports, own), ws, who).run(wake, trace)
        finally:
            own.clients.leave(who.user_id, wake)

    async def _login(
        self, ws: web.WebSocketResponse, request: web.Request, cursor: int | None, within_s: float
    ) -> Who:
        """By the handshake, or else by the first frame."""
        credential = _of_handshake(request)
        if credential is None:
            login = await _first_frame(ws, within_s)
            credential = shown({"Authorization": f"Bearer {login.token}"})
            cursor = cursor if login.cursor is None else login.cursor
        if not isinstance(credential, TokenShown):
            raise HangUpError(Close.UNAUTHENTICATED)
        try:
            asked = Asked(request.headers, credential, peer=request.remote)
            caller = await self._ports.authenticate(asked, MAILBOX)
        except ProblemError as problem:
            raise HangUpError(CLOSES.get(problem.code, Close.FORBIDDEN)) from None
        assert caller.only is not None, "the policy lets in nobody but users"
        return Who(caller.only.lower(), caller.until_ms, cursor)


def served(ports: EdgePorts) -> MailboxPorts:
    """Mailboxes, if this process serves them and can do so now."""
    own = ports.mailbox
    if own is None:
        raise ProblemError(Code.NOT_FOUND)
    if own.mailboxes.reason() is not None:
        raise ProblemError(Code.CATCHING_UP, headers=SOON)
    return own


def _of_handshake(request: web.Request) -> Credential | None:
    """What its headers show; None when they show nothing, so that the first frame has to."""
    tokens = [one.removeprefix(BEARER) for one in _offered(request) if one.startswith(BEARER)]
    if tokens:
        return shown({"Authorization": f"Bearer {tokens[0]}"})
    return shown(request.headers) if "Authorization" in request.headers else None


def _offered(request: web.Request) -> list[str]:
    """Subprotocols."""
    return _listed(",".join(request.headers.getall("Sec-WebSocket-Protocol", [])))


def _listed(line: str) -> list[str]:
    return [text for one in line.split(",") if (text := one.strip())]


async def _first_frame(ws: web.WebSocketResponse, within_s: float) -> Login:
    try:
        async with asyncio.timeout(within_s):
            message, control = await ws.receive(), 1
            while message.type in {WSMsgType.PING, WSMsgType.PONG} and control < MOST_CONTROL:
                message, control = await ws.receive(), control + 1
    except TimeoutError:
        raise HangUpError(Close.UNAUTHENTICATED) from None
    login = read_frame(message.data) if message.type is WSMsgType.TEXT else None
    if not isinstance(login, Login) or login.token is None:
        raise HangUpError(Close.UNAUTHENTICATED)
    return login


def _cursor_in(request: web.Request) -> int | None:
    text = request.rel_url.query.get("cursor")
    if text is None:
        return None
    if not CURSOR.fullmatch(text):
        raise WRONG_CURSOR
    return number_of(text)
