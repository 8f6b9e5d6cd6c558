"""The gateway on a socket of its own, with mailboxes in memory that a test fills."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.mailbox.clients import Clients
from connectors.http.mailbox.gateway import PATH
from connectors.http.mailbox.ports import Item, Letter, Limits, MailboxPorts, NotCaughtUpError
from connectors.http.ports import BrokerUnavailableError
from schemas.codec import Decoder
from schemas.records import Content, MailboxActed
from tests.unit.connectors.http.edge import NOW, edge, entry
from tests.unit.connectors.http.issuer import Desk as Issuer
from tests.unit.connectors.http.issuer import token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aiohttp import ClientWebSocketResponse

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
PROTOCOL = "carillon.v1"
read = Decoder(MailboxActed)


class Desk:
    """Mailboxes, what clients said, and the edge that joins them."""

    def __init__(self) -> None:
        self.items: dict[str, list[Item]] = {}
        self.trouble: str | None = None
        self.missing: set[str] = set()
        self.is_away = False
        self.refused = 0
        self.acts: list[tuple[bytes, MailboxActed]] = []
        self.closed_for: list[str] = []
        self.now = NOW
        self.clients = Clients(most=4, per_user=2)
        self.client: Any

    def reason(self) -> str | None:
        return self.trouble

    def of(self, user_id: str) -> list[Item]:
        if self.trouble:
            raise NotCaughtUpError(self.trouble)
        return list(self.items.get(user_id, []))

    def letter(self, user_id: str, message_id: str) -> Letter | None:  # noqa: ARG002 - the port's
        if message_id in self.missing:
            raise NotCaughtUpError(message_id)
        if message_id == "broken":
            raise ArithmeticError
        if message_id == "unreadable":
            return None
        content = Content(body=f"body of {message_id}", title=f"title of {message_id}")
        return Letter("order", "transactional", "r-1", NOW, content)

    def told(self, kind: str, count: int) -> None:
        """Counts nothing."""

    def closed(self, reason: str) -> None:
        self.closed_for.append(reason)

    async def produce(self, _topic: str, key: bytes, value: bytes, _headers: Mapping[str, bytes]) -> None:
        if self.is_away:
            self.refused += 1
            raise BrokerUnavailableError
        self.acts.append((key, read(value)))

    def put(self, *items: Item, user: str = USER) -> None:
        """Change a mailbox, and tell who is connected."""
        known = {one.message_id: one for one in self.items.get(user, [])}
        self.items[user] = sorted(
            (known | {one.message_id: one for one in items}).values(), key=lambda one: one.number
        )
        self.clients.wake([user])

    async def connect(
        self, given: str | None = None, query: str = "", **more: Any
    ) -> ClientWebSocketResponse:
        """With a good token in the subprotocol, unless another is given."""
        protocols = (PROTOCOL, f"bearer.{given or token(sub=USER)}")
        ws: ClientWebSocketResponse = await self.client.ws_connect(
            PATH + query, **{"protocols": protocols, **more}
        )
        return ws


@asynccontextmanager
async def desk(**limits: Any) -> AsyncIterator[Desk]:
    """A gateway that looks by itself once a minute, so that only who is woken looks."""
    made = Desk()
    keys = KeyBook([entry("ck_live_shop", "send")])
    authority = Authority(keys, [], Issuer().tokens(), None, lambda: NOW)
    own = MailboxPorts(made, made.clients, Limits(**{"look_s": 60.0, **limits}), made)
    ports: dict[str, Any] = {"produce": made.produce, "mailbox": own, "now_ms": lambda: made.now}
    async with edge(authenticate=authority.authenticate, **ports) as one:
        made.client = one.client
        yield made


async def heard(ws: ClientWebSocketResponse, many: int) -> list[Any]:
    """The next frames."""
    return [json.loads(await ws.receive_str()) for _ in range(many)]


async def ending(ws: Any) -> int:
    """With which code this side ends, whatever it says before."""
    async with asyncio.timeout(30):
        while not ws.closed:
            await ws.receive()
    code: int = ws.close_code
    return code
