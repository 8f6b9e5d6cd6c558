"""The read of campaigns over HTTP: who may ask, how, and what is answered (CRM-OP-06)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from aiohttp import ClientError

from connectors.http.campaigns.operations import PATH
from connectors.http.campaigns.ports import NotCaughtUpError
from connectors.reference.book import ReferenceBook
from schemas.codec import encode_json
from schemas.records import AudienceFilter, AudienceLabel, Communication
from tests.unit.connectors.http.edge import AUDIENCE_KEY, CAMPAIGNS_KEY, edge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

START, END = 1_700_000_000_000, 1_900_000_000_000
LABEL = AudienceLabel(
    audience_label="c:sale",
    campaign_label="c",
    communication_id="sale",
    starts_at=START,
    ends_at=END,
    published_at=START,
    updated_at=START,
)
TOLD = {
    "campaign_label": "c",
    "audience_label": "c:sale",
    "communication_id": "sale",
    "starts_at": "2023-11-14T22:13:20Z",
    "ends_at": "2030-03-17T17:46:40Z",
    "is_test_publication": False,
}
ONE = [("id_type", "phone_id"), ("id", "p")]
PERSON = [{"id_type": "phone_id", "id": "p"}]


class Found(NamedTuple):
    label: AudienceLabel
    is_seen: bool


class Shelf:
    """Answers the same to everyone, and remembers who asked what."""

    def __init__(self, *found: Found) -> None:
        self.found = found
        self.asked: list[tuple[list[str], dict[str, object], bool]] = []
        self.known = ReferenceBook()
        reference = [
            Communication(id="sale", kind="fullscreen", content={"title": "Sale"}),
            AudienceFilter(filter_id="city", value_type="string"),
            AudienceFilter(filter_id="is_new", value_type="boolean"),
            AudienceFilter(filter_id="trips", value_type="number"),
        ]
        for record in reference:
            name = (
                f"filter:{record.filter_id}" if isinstance(record, AudienceFilter) else "communication:sale"
            )
            self.known.apply(name.encode(), encode_json(record))

    def of(self, users: Sequence[str], context: Mapping[str, object], *, seen_too: bool) -> Sequence[Found]:
        self.asked.append((list(users), dict(context), seen_too))
        return self.found


class Away(Shelf):
    def of(self, users: Sequence[str], context: Mapping[str, object], *, seen_too: bool) -> Sequence[Found]:  # noqa: ARG002 - the port's
        raise NotCaughtUpError


async def got(shelf: Any, params: Any, key: str = CAMPAIGNS_KEY) -> tuple[int, Any, Mapping[str, str]]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        edge(campaigns=shelf) as one,
        one.client.get(PATH, params=params, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None), answer.headers


async def posted(shelf: Any, body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {CAMPAIGNS_KEY}"}
    given: Any = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with edge(campaigns=shelf) as one, one.client.post(PATH, headers=headers, **given) as answer:
        return answer.status, await answer.json(content_type=None)


@pytest.mark.spec("CRM-OP-06")
async def test_labels_of_all_ids_are_asked_for_at_once() -> None:
    shelf = Shelf(Found(LABEL, is_seen=False))
    status, body, headers = await got(shelf, [*ONE, ("id_type", "yandex_uid"), ("id", "7")])
    assert (200, {"labels": [TOLD]}) == (status, body)
    assert [(["phone_id:p", "yandex_uid:7"], {}, False)] == shelf.asked
    assert "no-store" == headers["Cache-Control"]


@pytest.mark.spec("AUD-117 CRM-OP-13 CRM-063")
async def test_content_comes_once_and_seen_labels_are_marked_when_they_are_asked_for() -> None:
    shelf = Shelf(Found(LABEL, is_seen=True), Found(LABEL, is_seen=False))
    _, body, _ = await got(shelf, [*ONE, ("include", "content"), ("include", "seen")])
    assert {
        "labels": [{**TOLD, "is_seen": True}, {**TOLD, "is_seen": False}],
        "communications": [
            {"communication_id": "sale", "kind": "fullscreen", "content": {"title": "Sale"}},
        ],
    } == body
    assert shelf.asked[0][2]


@pytest.mark.spec("CRM-020 CRM-OP-07")
async def test_values_of_a_query_have_the_types_of_their_filters() -> None:
    """What is none of its filter's type, and what no filter is called, matches nothing."""
    values = {"city": "true", "is_new": "true", "trips": "3.5", "other": "x"}
    shelf = Shelf()
    await got(shelf, [*ONE, *((f"context[{name}]", value) for name, value in values.items())])
    await got(shelf, [*ONE, ("context[is_new]", "yes"), ("context[trips]", "nan")])
    await got(shelf, [*ONE, ("context[trips]", "9007199254740992")])
    assert [{"city": "true", "is_new": True, "trips": 3.5}, {}, {}] == [
        context for _, context, _ in shelf.asked
    ]


@pytest.mark.spec("CRM-022")
async def test_a_body_asks_the_same_with_values_of_any_type() -> None:
    shelf = Shelf()
    context = {"city": "a", "is_new": True, "trips": 3}
    body = {"users": [{"id_type": "device_id", "id": "d"}], "context": context, "include": ["seen"]}
    assert (200, {"labels": []}) == await posted(shelf, body)
    assert [(["device_id:d"], context, True)] == shelf.asked


@pytest.mark.parametrize(
    "params",
    [
        [],
        [("id", "p")],
        [*ONE, ("id", "q")],
        [("id_type", "uuid"), ("id", "p")],
        [("id_type", "phone_id"), ("id", "")],
        [*ONE, ("include", "everything")],
        [*ONE, ("city", "a")],
        ONE * 21,
        [*ONE, ("context[city]", "a" * 1_001)],
    ],
    ids=lambda params: str(params)[:40],
)
async def test_a_question_that_makes_no_sense_is_refused(params: Any) -> None:
    shelf = Shelf()
    status, body, _ = await got(shelf, params)
    assert (400, "invalid_field", []) == (status, body["code"], shelf.asked)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        ({"users": []}, 400, "invalid_field"),
        ({"users": [{"id_type": "phone_id"}]}, 400, "invalid_field"),
        ({"users": [{"id_type": "phone_id", "id": "p"}], "context": {"city": ["a"]}}, 400, "invalid_field"),
        ({"users": [{"id_type": "phone_id", "id": "p"}], "filters": {}}, 400, "invalid_field"),
        ({"users": PERSON, "context": {"trips": 2**53}}, 400, "invalid_field"),
        ({"users": PERSON, "context": {"trips": -1e300}}, 400, "invalid_field"),
        ({"users": PERSON, "context": {f"f{n}": 1 for n in range(51)}}, 400, "invalid_field"),
        (b" " * 40_000, 413, "too_large"),
    ],
)
async def test_a_body_that_is_none_is_refused(body: Any, status: int, code: str) -> None:
    found = await posted(Shelf(), body)
    assert (status, code) == (found[0], found[1]["code"])


async def test_a_body_of_unknown_length_is_read_no_further_than_it_may_be() -> None:
    """Sent in chunks. Mutation tried: read whole, then measured: fails."""
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        for taken in range(64):  # noqa: B007 - asked below
            yield b" " * 65_536
            await asyncio.sleep(0.01)

    headers = {"Authorization": f"Bearer {CAMPAIGNS_KEY}"}
    async with edge(campaigns=Shelf()) as one:
        with contextlib.suppress(ClientError):  # the server closes before all is sent
            async with one.client.post(PATH, headers=headers, data=chunks()) as answer:
                assert 413 == answer.status
    assert taken < 63


async def test_without_the_scope_nobody_learns_anything() -> None:
    shelf = Shelf()
    assert [401, 403] == [(await got(shelf, ONE, key))[0] for key in ("ck_live_none", AUDIENCE_KEY)]
    assert [] == shelf.asked


async def test_what_is_not_read_yet_is_asked_for_again() -> None:
    status, body, headers = await got(Away(), ONE)
    assert (503, "catching_up", "1") == (status, body["code"], headers["Retry-After"])


async def test_a_process_that_does_not_answer_these_questions_says_so() -> None:
    status, body, _ = await got(None, ONE)
    assert (404, "not_found") == (status, body["code"])
