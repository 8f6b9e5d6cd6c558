"""The status endpoint, and the old form with its own errors (CRM-OP-04, AUD-018…AUD-021, AUD-OP-05)."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from typing import Any

import pytest

from connectors.http.audience.operations import ADMIN_PATH, PUBLISH_PATH
from connectors.http.audience.ports import AudienceQuery, UnresolvedError
from connectors.http.audience.progress import status_of
from tests.unit.connectors.http.audience.publishing import whole
from tests.unit.connectors.http.audience.stage import ALLOWED, Stage, get, post, written
from tests.unit.connectors.http.edge import edge

OLD = {
    "promotion_id": "comm-general",
    "experiment": "newcomers",
    "start_date": "2025-06-01T00:00:00+03:00",
    "end_date": "2025-06-08T00:00:00+03:00",
    "ticket": "TASK-1",
}


@pytest.mark.spec("AUD-126 CRM-012 CRM-OP-04")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?audience_label=c:x", [("c:x", "in_progress", 10, 4, 0)]),
        ("?campaign_label=c", [("c", "done", 0, 0, 0), ("c:x", "in_progress", 10, 4, 0)]),
        ("?campaign_label=d", [("d:x", "failed", 5, 4, 1)]),
        ("?id=r", [("c:x", "pending", 3, 0, 0)]),
    ],
)
async def test_status_is_told_by_label_campaign_and_request(query: str, names: list[Any]) -> None:
    status, body = await get(query)
    found = [
        (one["audience_label"], one["status"], one["total"], one["processed"], one["failed"])
        for one in body["items"]
    ]
    assert (200, names) == (status, found)


@pytest.mark.spec("CRM-OP-04")
@pytest.mark.parametrize("query", ["?audience_label=z", "?campaign_label=z", "?id=z"])
async def test_what_is_unknown_is_not_found(query: str) -> None:
    status, problem = await get(query)
    assert (404, "unknown_label") == (status, problem["code"])


@pytest.mark.parametrize("query", ["", "?id=", "?id=r&audience_label=c"])
async def test_status_is_asked_for_one_thing(query: str) -> None:
    assert 400 == (await get(query))[0]


@pytest.mark.spec("CRM-OP-04")
@pytest.mark.parametrize(
    ("counts", "expected"),
    [((0, 0, 0), "done"), ((2, 0, 0), "pending"), ((2, 1, 0), "in_progress"), ((2, 0, 1), "in_progress")],
)
def test_done_means_that_nothing_is_left(counts: tuple[int, int, int], expected: str) -> None:
    assert expected == status_of(*counts)


@pytest.mark.spec("AUD-010 AUD-OP-02 AUD-018 AUD-OP-05")
async def test_the_old_form_answers_an_empty_object_and_repeats_are_one_request() -> None:
    stage = Stage()
    answers = [await post(stage, ADMIN_PATH, OLD) for _ in range(2)]
    assert [(200, {})] * 2 == [(status, body) for status, body, _ in answers]
    keys = {written(upload)[0].idempotency_key for upload in stage.uploads}
    assert {""} == keys, "nobody asked for a replay: its label decides"


@pytest.mark.spec("AUD-019 AUD-020 AUD-OP-05")
@pytest.mark.parametrize(
    ("outcome", "body", "status", "code"),
    [
        ("accepted", {**OLD, "extra": 1}, 400, "invalid_field"),
        ("accepted", {**OLD, "experiment": "gone"}, 400, "invalid_field"),
        ("conflict", OLD, 409, "conflict"),
    ],
)
async def test_errors_of_the_old_form_are_code_and_message(
    outcome: str, body: Any, status: int, code: str
) -> None:
    found, error, headers = await post(Stage(outcome), ADMIN_PATH, body)
    assert (status, code, {"code", "message"}) == (found, error["code"], set(error))
    assert headers["Content-Type"].startswith("application/json")


BY_QUERY = {name: value for name, value in OLD.items() if name != "experiment"} | {"yql_link": "https://q/7"}


class Resolver:
    """Answers as it is told, when it is told to."""

    def __init__(self, *ids: str, why: str = "") -> None:
        self.asked: list[AudienceQuery] = []
        self.go = asyncio.Event()
        self.go.set()
        self._users = [{"id_type": "yandex_uid", "id": one} for one in ids]
        self._why = why

    async def __call__(self, query: AudienceQuery) -> bytearray:
        self.asked.append(query)
        await self.go.wait()
        if self._why:
            raise UnresolvedError(self._why)
        return bytearray(json.dumps({"users": self._users}).encode())


@pytest.mark.spec("AUD-OP-04")
async def test_a_query_is_published_to_whom_the_resolver_names() -> None:
    stage, resolver = Stage(), Resolver("1", "2")
    status, body, _ = await post(stage, ADMIN_PATH, BY_QUERY, ports={"resolve": resolver})
    assert (200, {}) == (status, body)
    ((_, promotion, link),) = resolver.asked
    assert ("comm-general", "https://q/7") == (promotion, link)
    command, chunk = written(stage.uploads[0])
    (label,) = command.labels
    assert (False, 2) == (label.is_for_everyone, label.users)
    assert 2 == sum(len(one.users) for group in chunk.groups for one in group.labels)


@pytest.mark.spec("AUD-OP-04 AUD-021")
@pytest.mark.parametrize("resolver", [None, Resolver(why="asked 3 times: it answered 503")])
async def test_without_an_answer_of_the_resolver_nothing_is_published(resolver: Resolver | None) -> None:
    """AUD-021: no resolver, and one that fails. Mutation tried: published to nobody: fails."""
    stage = Stage()
    status, error, _ = await post(stage, ADMIN_PATH, BY_QUERY, ports={"resolve": resolver})
    assert (502, "no_resolver", []) == (status, error["code"], stage.uploads)
    assert "https://q/7" not in error["message"]


async def test_a_body_that_breaks_rules_asks_no_resolver() -> None:
    resolver = Resolver("1")
    for wrong in ({"end_date": "soon"}, {"promotion_id": "pin"}, {"experiment": "newcomers"}):
        body = {**BY_QUERY, **wrong}
        assert 400 == (await post(Stage(), ADMIN_PATH, body, ports={"resolve": resolver}))[0]
    assert [] == resolver.asked


async def test_one_query_at_a_time_is_asked_and_others_go_on() -> None:
    """A resolver that hangs takes places of nobody else. Mutation tried: no place of queries: fails."""
    resolver, raw = Resolver("1"), json.dumps(BY_QUERY).encode()
    resolver.go.clear()
    async with edge(audience=Stage(), resolve=resolver) as one:

        async def asked(path: str, body: bytes) -> int:
            async with one.client.post(path, headers=ALLOWED, data=BytesIO(body)) as response:
                return response.status

        first = asyncio.create_task(asked(ADMIN_PATH, raw))
        while not resolver.asked:
            await asyncio.sleep(0.001)
        assert 503 == await asked(ADMIN_PATH, raw)
        assert 200 == await asked(ADMIN_PATH, json.dumps(OLD).encode())
        assert 200 == await asked(PUBLISH_PATH, json.dumps(whole()).encode())
        resolver.go.set()
        assert 200 == await first
        assert 200 == await asked(ADMIN_PATH, raw)
