"""The link of a message: a page for whoever opens it, an unsubscribe for who posts, nothing for a forger."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http.ports import BrokerUnavailableError
from connectors.links import DAY_MS, PAGE_DAYS, Link, LinkError, LinkSigner, MessageLinks
from tests.unit.connectors.http.edge import NOW, edge

OLD, NEW = b"o" * 32, b"n" * 32
SIGNER = LinkSigner({"k2": NEW, "k1": OLD})
LINK = Link("0f8fad5b-d9cb-469f-a165-70867728950e", "all_marketing", "summer")


class Visitor:
    """Opens and posts links; `written` is what reached the broker."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []
        self.is_away = False
        self.client: Any

    async def produce(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:  # noqa: ARG002 - the port's
        if self.is_away:
            raise BrokerUnavailableError
        self.written.append(json.loads(value))

    async def visit(self, method: str, token: str, **more: Any) -> tuple[int, str, Mapping[str, str]]:
        url = f"/api/v1/notifications/unsubscribe?token={token}"
        async with self.client.request(method, url, **more) as response:
            return response.status, await response.text(), response.headers


class Tags(HTMLParser):
    """The tags of a page; none of them may load or run anything."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert [] == [name for name, _ in attrs if name in {"src", "href", "style"} or name.startswith("on")]


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    made = Visitor()
    async with edge(produce=made.produce, links=SIGNER) as one:
        made.client = one.client
        yield made


@pytest.mark.spec("NS-API-OP-10")
async def test_opening_a_link_changes_nothing(visitor: Visitor) -> None:
    """Mutation: `GET` acts. Scanners of mail programs open every link."""
    status, text, _ = await visitor.visit("GET", SIGNER.token(LINK))
    assert (200, []) == (status, visitor.written)
    assert '<form method="post"><button type="submit">Отписаться</button></form>' in text


@pytest.mark.spec("NS-API-OP-10 NS-CH-024 NS-CH-OP-04")
async def test_one_click_of_a_mail_program_unsubscribes(visitor: Visitor) -> None:
    one_click = {"data": {"List-Unsubscribe": "One-Click"}}
    status, text, _ = await visitor.visit("POST", SIGNER.token(LINK), **one_click)
    assert 200 == status
    assert "Вы отписались" in text
    assert [
        {
            "event_type": "user.unsubscribed",
            "user_id": LINK.user_id,
            "data": {"channel_type": "all_marketing", "reason": "link of summer", "campaign": "summer"},
        }
    ] == visitor.written


async def test_the_page_speaks_the_visitors_language(visitor: Visitor) -> None:
    english = {"headers": {"Accept-Language": "de-DE,en;q=0.8,ru;q=0.5"}}
    _, text, _ = await visitor.visit("GET", SIGNER.token(LINK), **english)
    assert '<html lang="en">' in text
    assert "marketing messages" in text


async def test_the_page_loads_nothing_and_tells_nobody(visitor: Visitor) -> None:
    _, text, headers = await visitor.visit("GET", SIGNER.token(LINK))
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ("no-referrer", "no-store") == (headers["Referrer-Policy"], headers["Cache-Control"])
    tags = Tags()
    tags.feed(text)
    assert not {"script", "img", "link", "iframe"} & tags.seen
    assert {"html", "main", "h1", "title", "button"} <= tags.seen


@pytest.mark.spec("NS-API-OP-10")
async def test_a_forged_link_does_nothing(visitor: Visitor) -> None:
    forged = LinkSigner({"k2": b"x" * 32}).token(LINK)
    for method in ("GET", "POST"):
        assert 404 == (await visitor.visit(method, forged))[0]
    assert [] == visitor.written


async def test_without_the_broker_nothing_is_promised(visitor: Visitor) -> None:
    visitor.is_away = True
    assert 503 == (await visitor.visit("POST", SIGNER.token(LINK)))[0]


def test_a_link_of_an_older_key_still_works() -> None:
    assert LINK == SIGNER.read(LinkSigner({"k1": OLD}).token(LINK))
    assert SIGNER.token(LINK).startswith("k2.")


def test_keys_are_read_from_a_setting_and_bad_ones_are_refused() -> None:
    assert LINK == LinkSigner.of_text("k1:b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=").read(
        LinkSigner({"k1": OLD}).token(LINK)
    )
    for text in ("", "k1:short", "k1:c2hvcnQ=", "k 1:b29v"):
        with pytest.raises(LinkError):
            LinkSigner.of_text(text)


@pytest.mark.parametrize("channel", ["email", "sms", "push", "in_app", "all_marketing"])
@pytest.mark.parametrize("campaign", [None, "Весна"])
def test_a_token_says_all_of_its_link(channel: str, campaign: str | None) -> None:
    link = Link(LINK.user_id, channel, campaign)
    assert link == SIGNER.read(SIGNER.token(link))


@pytest.mark.spec("NS-SEC-OP-09")
def test_a_link_out_of_marketing_takes_one_text_message_with_room_for_words() -> None:
    url = MessageLinks("https://n.example.com", SIGNER).unsubscribe(LINK.user_id, None)
    assert url is not None
    assert len(url) < 125


def test_a_token_of_one_purpose_is_none_of_the_other() -> None:
    """Mutation: the purpose is not signed. Who may unsubscribe somebody need not see what he chose."""
    page = SIGNER.page_token(LINK.user_id, NOW)
    assert LINK.user_id == SIGNER.read_page(page, NOW)
    with pytest.raises(LinkError):
        SIGNER.read(page)
    with pytest.raises(LinkError):
        SIGNER.read_page(SIGNER.token(LINK), NOW)


def test_a_link_to_the_page_of_choices_ends_and_the_way_out_does_not() -> None:
    """Mutation: the end is not looked at. Who finds an old mail sees and changes what its reader chose."""
    page = SIGNER.page_token(LINK.user_id, NOW)
    assert LINK.user_id == SIGNER.read_page(page, NOW + PAGE_DAYS * DAY_MS)
    for now in (NOW + (PAGE_DAYS + 1) * DAY_MS, NOW + 9_999 * DAY_MS):
        with pytest.raises(LinkError):
            SIGNER.read_page(page, now)
    assert (
        page == SIGNER.page_token(LINK.user_id, NOW + 60_000) != SIGNER.page_token(LINK.user_id, NOW + DAY_MS)
    )
    assert LINK == SIGNER.read(SIGNER.token(LINK))


def test_without_an_address_or_keys_there_are_no_links() -> None:
    for links in (MessageLinks(None, SIGNER), MessageLinks("https://n.example.com", None)):
        assert (None, None) == (links.unsubscribe(LINK.user_id, None), links.preferences(LINK.user_id, NOW))


@pytest.mark.parametrize("label", ["summer", "я" * 128])
async def test_who_follows_the_link_of_a_message_leaves_its_campaign(visitor: Visitor, label: str) -> None:
    """Mutation: a link without it. The label is as long as one may be."""
    made = MessageLinks("https://n.example.com", SIGNER).unsubscribe(LINK.user_id, label)
    assert made is not None
    status, _, _ = await visitor.visit("POST", made.partition("?token=")[2])
    assert (200, label) == (status, visitor.written[0]["data"]["campaign"])


async def test_the_link_of_a_message_is_a_page_here(visitor: Visitor) -> None:
    made = MessageLinks("https://n.example.com", SIGNER).unsubscribe(LINK.user_id, "summer")
    assert made is not None
    async with visitor.client.get(made.removeprefix("https://n.example.com")) as response:
        assert 200 == response.status


@given(st.text(max_size=60) | st.integers(0, 200).map(lambda place: mutated(SIGNER.token(LINK), place)))
def test_no_other_text_is_a_token(token: str) -> None:
    """One changed character anywhere, or anything at all."""
    if token != SIGNER.token(LINK):
        with pytest.raises(LinkError):
            SIGNER.read(token)


def mutated(token: str, place: int) -> str:
    place %= len(token)
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
