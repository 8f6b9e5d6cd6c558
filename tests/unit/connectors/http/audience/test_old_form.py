"""The status endpoint, and the old form with its own errors (CRM-OP-04, AUD-018…AUD-021, AUD-OP-05)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.audience.operations import ADMIN_PATH
from connectors.http.audience.progress import status_of
from tests.unit.connectors.http.audience.stage import Stage, get, post, written

OLD = {
    "promotion_id": "comm-general",
    "experiment": "newcomers",
    "start_date": "2025-06-01T00:00:00+03:00",
    "end_date": "2025-06-08T00:00:00+03:00",
    "ticket": "TASK-1",
}


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


@pytest.mark.parametrize("query", ["?audience_label=z", "?campaign_label=z", "?id=z"])
async def test_what_is_unknown_is_not_found(query: str) -> None:
    status, problem = await get(query)
    assert (404, "unknown_label") == (status, problem["code"])


@pytest.mark.parametrize("query", ["", "?id=", "?id=r&audience_label=c"])
async def test_status_is_asked_for_one_thing(query: str) -> None:
    assert 400 == (await get(query))[0]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((0, 0, 0), "done"), ((2, 0, 0), "pending"), ((2, 1, 0), "in_progress"), ((2, 0, 1), "in_progress")],
)
def test_done_means_that_nothing_is_left(counts: tuple[int, int, int], expected: str) -> None:
    assert expected == status_of(*counts)


async def test_the_old_form_answers_an_empty_object_and_repeats_are_one_request() -> None:
    stage = Stage()
    answers = [await post(stage, ADMIN_PATH, OLD) for _ in range(2)]
    assert [(200, {})] * 2 == [(status, body) for status, body, _ in answers]
    keys = {written(upload)[0].idempotency_key for upload in stage.uploads}
    assert {""} == keys, "nobody asked for a replay: its label decides"


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


async def test_a_query_is_a_bad_gateway() -> None:
    body = {name: value for name, value in OLD.items() if name != "experiment"} | {"yql_link": "x"}
    status, error, _ = await post(Stage(), ADMIN_PATH, body)
    assert (502, "no_resolver") == (status, error["code"])
