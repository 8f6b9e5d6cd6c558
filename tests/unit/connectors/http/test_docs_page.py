"""The page of the OpenAPI document: all of it, nothing from elsewhere, and off where the settings say so."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from connectors.http.docs.page import HERE, PATH, POLICY, SCRIPT_PATH, STYLE_PATH, operations, page
from connectors.http.openapi import PUBLIC, document
from connectors.http.routes import EDGE
from tests.unit.connectors.http.edge import KEY, SECRET, edge

DOCUMENT = document(PUBLIC, EDGE)
MEDIA = {PATH: "text/html", SCRIPT_PATH: "text/javascript", STYLE_PATH: "text/css"}


class Read(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


READ = Read(page(DOCUMENT))


async def test_anyone_may_read_it_under_a_strict_policy() -> None:
    async with edge() as one:
        for path, media in MEDIA.items():
            async with one.client.get(path) as answer:
                text = await answer.text()
                assert (200, media, POLICY) == (
                    answer.status,
                    answer.content_type,
                    answer.headers["Content-Security-Policy"],
                )
                assert "nosniff" == answer.headers["X-Content-Type-Options"]
                assert [] == [secret for secret in (SECRET, KEY) if secret in text]


@pytest.mark.parametrize("path", MEDIA)
async def test_it_can_be_switched_off(path: str) -> None:
    async with edge(has_docs=False) as one, one.client.get(path) as answer:
        assert 404 == answer.status


def test_every_operation_has_a_form_with_all_its_parameters() -> None:
    shown = {(form["data-method"], form["data-path"]) for form in READ.of("form")}
    assert {(route.method, route.path) for route in EDGE} == shown
    names = {each["name"] for each in READ.of("input") if "name" in each}
    told = {variable.name for route in EDGE for variable in route.operation.variables}
    assert told <= names


def test_nothing_is_fetched_from_elsewhere_and_nothing_runs_inside_the_page() -> None:
    sources = [attributes.get("src") or attributes.get("href") for _, attributes in READ.tags]
    assert {None, "docs/page.js", "docs/page.css", "openapi.json"} == set(sources)
    names = {name for _, attributes in READ.tags for name in attributes}
    assert set() == {name for name in names if name.startswith("on") or name == "style"}
    assert [] == READ.of("style")
    assert all(attributes.get("src") for attributes in READ.of("script"))


def test_texts_of_the_document_are_no_html() -> None:
    wild = "<script>alert(1)</script>"
    told: dict[str, Any] = DOCUMENT | {"info": DOCUMENT["info"] | {"description": wild}}
    text = page(told)
    assert wild not in text
    assert wild in unescape(text)


def test_names_between_backticks_are_code_and_still_no_html() -> None:
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(DOCUMENT))
    told["paths"]["/api/v1/notifications/send"]["post"]["description"] = "Of `<b>key</b>`, a name."
    assert "Of <code>&lt;b&gt;key&lt;/b&gt;</code>, a name." in page(told)


def test_operations_stand_under_a_word_and_not_under_a_version() -> None:
    groups = {one["path"]: one["group"] for one in operations(DOCUMENT)}
    assert "mark-notify" == groups["/4.0/mark-notify/v1/seen"]
    assert "send" == groups["/api/v1/notifications/send/{id}/cancel"]


def test_the_script_reads_no_answer_as_html_and_keeps_nothing() -> None:
    script = HERE.joinpath("page.js").read_text()
    words = r"innerHTML|outerHTML|insertAdjacent|eval|localStorage|sessionStorage|cookie|https?:"
    assert [] == re.findall(words, script)
