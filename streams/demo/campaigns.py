"""The CRM's scene: it publishes, people are shown it, one sees it, a query adds one, a withdrawal ends it.

Every row is asked of the running product over HTTP, as CRM and app ask, and compared with what must come.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import aiohttp

PUBLISH = "/communications-audience/v1/publish"
UNPUBLISH = "/communications-audience/v1/unpublish"
STATUS = "/communications-audience/v1/status"
OLD_FORM = "/admin/promotions/publish/"
CAMPAIGNS = "/inapp-communications/v1/campaigns"
SEEN = "/4.0/mark-notify/v1/seen"

Ids = tuple[tuple[str, str], ...]
ANA: Ids = (("phone_id", "5b2c"), ("yandex_uid", "4001"))
BORIS: Ids = (("yandex_uid", "4002"),)
VERA: Ids = (("yandex_uid", "4003"),)
IN_TOWN = {"context[city]": "a"}
DATES = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2090-01-01T00:00:00Z"}
SALE, GENERAL, BY_QUERY = "spring:spring-sale", "spring", "promotion.new-in-town"

POLL_S = 0.02
STATUS_POLL_S = 0.25
"""A key has 300 questions a minute for statuses."""
NOT_NOW = (429, 503)
OK = 200


class Row(NamedTuple):
    """What was asked, what came, after how long, and whether it is what must come."""

    asked: str
    came: str
    seconds: float
    is_right: bool


class Scene:
    """Plays it once. `key`: for audiences and campaigns; `secret`: the gateway's; `patience_s`: of a row."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        key: str,
        secret: str,
        patience_s: float = 20.0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._allowed = {"Authorization": f"Bearer {key}"}
        self._gateway = {"X-Gateway-Secret": secret, "X-Auth-Kind": "client", "X-User-Id": "ana"}
        self._patience_s = patience_s
        self._pause = pause
        self._rows: list[Row] = []

    async def played(self) -> list[Row]:
        """All rows; the first one that is wrong ends it."""
        for act in (self._published, self._shown, self._seen, self._asked_by_query, self._withdrawn):
            await act()
            if not all(row.is_right for row in self._rows):
                break
        return self._rows

    async def _published(self) -> None:
        """To Ana under two of her ids and to Boris, and to everyone in a town."""
        people = [{"id_type": kind, "id": name} for kind, name in (*ANA, *BORIS)]
        body = {
            "id": "spring-1",
            "campaign_label": "spring",
            "communication": {"communication_id": "new-in-town", **DATES},
            "personal_communications": [{"communication_id": "spring-sale", "users": people}],
        }
        await self._told("CRM: spring, to 3 ids", PUBLISH, body, SALE)
        await self._done("labelled", {"id": "spring-1"}, 3)
        town = {"filters": [{"filter_id": "city", "value_type": "string", "values": ["a", "b"]}]}
        await self._told(
            "CRM: spring, to a town",
            PUBLISH,
            {**_general(body), "id": "spring-2", "filters": town},
            GENERAL,
        )

    async def _shown(self) -> None:
        for kind, name in ANA:
            await self._sees(f"Ana, by {kind}", [(kind, name)], {}, [SALE])
        await self._sees("Boris", BORIS, {}, [SALE])
        await self._sees("Boris, in town", BORIS, IN_TOWN, [GENERAL, SALE])
        await self._sees("Vera", VERA, {}, [])

    async def _seen(self) -> None:
        """Ana's app posts one fact, which carries both of her ids."""
        ids = {"X-Phone-Id": ANA[0][1], "X-Uid": ANA[1][1]}
        posted = await self._post(SEEN, {"tag": "promotions", "id": "spring-sale"}, self._gateway | ids)
        self._add("Ana's app: it was seen", posted, {})
        for kind, name in ANA:
            await self._sees(f"Ana, by {kind}", [(kind, name)], {}, [])
        await self._sees("Boris", BORIS, {}, [SALE])

    async def _asked_by_query(self) -> None:
        body = {
            "promotion_id": "new-in-town",
            "yql_link": "http://yql.carillon.test/users?yandex_uid=4003",
            "ticket": "TASK-1",
            **DATES,
        }
        posted = await self._post(OLD_FORM, body, self._allowed)
        self._add("old form, by a query", posted, {})
        await self._sees("Vera", VERA, {}, [BY_QUERY])

    async def _withdrawn(self) -> None:
        body = {"id": "spring-stop", "campaign_label": "spring"}
        await self._told("CRM: withdraw spring", UNPUBLISH, body, f"{GENERAL}, {SALE}")
        await self._sees("Boris, in town", BORIS, IN_TOWN, [])
        await self._sees("Vera", VERA, {}, [BY_QUERY])

    async def _told(self, asked: str, path: str, body: dict[str, Any], labels: str) -> None:
        """The labels that the answer names."""
        seconds, found = await self._post(path, body, self._allowed)
        if isinstance(found, dict) and "audience_info" in found:
            found = ", ".join(sorted(one["audience_label"] for one in found["audience_info"]))
        self._add(asked, (seconds, found), labels)

    async def _done(self, word: str, query: dict[str, str], users: int) -> None:
        async def counted() -> Any:
            found = await self._get(STATUS, list(query.items()))
            if not isinstance(found, dict):
                return found
            return [(one["status"], one["processed"]) for one in found["items"]]

        came = await self._until([("done", users)], counted, STATUS_POLL_S)
        self._add(f"{users} ids {word}", came, [("done", users)])

    async def _sees(
        self, who: str, ids: Sequence[tuple[str, str]], more: dict[str, str], wanted: list[str]
    ) -> None:
        """Ask until this is shown."""
        query = [pair for kind, name in ids for pair in (("id_type", kind), ("id", name))]

        async def labels() -> Any:
            found = await self._get(CAMPAIGNS, [*query, *more.items()])
            return (
                sorted(one["audience_label"] for one in found["labels"]) if isinstance(found, dict) else found
            )

        came = await self._until(wanted, labels, POLL_S)
        self._add(f"{who} is shown", came, wanted)

    async def _until(
        self, wanted: object, ask: Callable[[], Awaitable[Any]], poll_s: float
    ) -> tuple[float, Any]:
        """The last answer and when it came: the wanted one, or another when patience has ended."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (found := await ask()) != wanted and loop.time() - began < self._patience_s:
            await self._pause(poll_s)
        return loop.time() - began, found

    async def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[float, Any]:
        """The answer's body, or its status if it is none of 200; again where it says: not now."""

        async def answered() -> Any:
            async with self._session.post(path, data=orjson.dumps(body), headers=headers) as answer:
                return orjson.loads(await answer.read()) if answer.status == OK else answer.status

        loop = asyncio.get_running_loop()
        began = loop.time()
        while (found := await answered()) in NOT_NOW and loop.time() - began < self._patience_s:
            await self._pause(STATUS_POLL_S)
        return loop.time() - began, found

    async def _get(self, path: str, query: list[tuple[str, str]]) -> Any:
        async with self._session.get(path, params=query, headers=self._allowed) as answer:
            return orjson.loads(await answer.read()) if answer.status == OK else answer.status

    def _add(self, asked: str, came: tuple[float, Any], wanted: object) -> None:
        seconds, found = came
        self._rows.append(Row(asked, _text(found), seconds, found == wanted))


def _general(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "personal_communications"}


def _text(found: object) -> str:
    match found:
        case [(str() as status, int() as count)]:
            return f"{status}: {count}"
        case list():
            return ", ".join(map(str, found)) or "nothing"
        case dict():
            return "200"
        case _:
            return str(found)


def table(rows: Sequence[Row]) -> Table:
    """As the demo shows it."""
    made = Table(
        title="Campaigns: what CRM asks, and what people are shown", title_justify="left", min_width=52
    )
    for word in ("asked", "answer"):
        made.add_column(word)
    made.add_column("after", justify="right")
    made.add_column("right")
    for row in rows:
        made.add_row(row.asked, row.came, f"{row.seconds * 1000:.0f} ms", "yes" if row.is_right else "NO")
    return made
