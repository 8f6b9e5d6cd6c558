"""A browser without scripts: it opens the page of a user's choices, ticks boxes and presses the button."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from connectors.choices import Consented, Kind, Stored
from connectors.http.ports import BrokerUnavailableError
from tests.choices import MemoryChoices
from tests.unit.connectors.http.edge import NOW
from tests.unit.connectors.http.test_unsubscribe import LINK, SIGNER

USER = LINK.user_id
NEWS = Kind("news", "News", "social", False, ["email", "push"], ["sms"])
CHAT = Kind("chat", "Chat <b>", "social", False, ["push"], [])
PROMO = Kind("promo", "Sale", "marketing", False, ["email", "push"], [])
CODE = Kind("code", "Code", "transactional", True, ["sms"], ["email"])
KINDS = [CODE, NEWS, CHAT, PROMO]
CONSENT = Consented("marketing", None, is_granted=True, at=NOW)


class Page(HTMLParser):
    """What a browser would send, and what the page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.boxes: dict[str, bool] = {}
        self.tags: list[str] = []
        self.labelled = 0
        self.ids: set[str] = set()
        self.described: set[str] = set()
        self._in_label = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        assert not [name for name in given if name in {"src", "style"} or name.startswith("on")]
        self._in_label = tag == "label" or (self._in_label and tag == "input")
        self.ids |= {given["id"] or ""} if "id" in given else set()
        self.described |= {given["aria-describedby"] or ""} if "aria-describedby" in given else set()
        if tag == "input" and given["type"] == "hidden":
            self.fields.append((given["name"] or "", given["value"] or ""))
        elif tag == "input":
            self.labelled += self._in_label
            self.boxes[given["value"] or ""] = "checked" in given

    def filled(self, **ticks: bool) -> list[tuple[str, str]]:
        """The form with these boxes set; `__` stands for the dot of a name."""
        boxes = self.boxes | {name.replace("__", "."): on for name, on in ticks.items()}
        return [*self.fields, *(("on", name) for name, on in boxes.items() if on)]


class Visitor:
    """Opens and sends pages; `written` is what reached the broker."""

    def __init__(self) -> None:
        self.choices = MemoryChoices(Stored())
        self.choices.kinds = self.kinds  # type: ignore[method-assign] # other types than the other tests'
        self.written: list[dict[str, Any]] = []
        self.is_away = False
        self.client: Any
        self.headers: Mapping[str, str] = {}

    async def kinds(self) -> list[Kind]:
        return KINDS

    async def produce(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:  # noqa: ARG002 - the port's
        if self.is_away:
            raise BrokerUnavailableError
        self.written.append(json.loads(value))

    async def open(self, token: str | None = None, **headers: str) -> tuple[int, str]:
        async with self.client.get(self.url(token), headers=headers) as response:
            self.headers = response.headers
            return response.status, await response.text()

    async def send(self, fields: list[tuple[str, str]], token: str | None = None) -> tuple[int, str]:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        async with self.client.post(self.url(token), data=urlencode(fields), headers=form) as response:
            return response.status, await response.text()

    def url(self, token: str | None) -> str:
        shown = SIGNER.page_token(USER, NOW) if token is None else token
        return f"/api/v1/notifications/preferences?token={shown}"

    async def page(self) -> Page:
        status, text = await self.open()
        assert 200 == status
        return Page(text)

    @property
    def told(self) -> list[tuple[str, Any]]:
        """Event and data of what was written."""
        return [(one["event_type"], one["data"]) for one in self.written]
