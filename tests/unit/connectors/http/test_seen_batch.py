"""Many facts in one post: each has its result, and 200 means durable."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from connectors.http.limits import Limit, Limits
from connectors.http.ports import BrokerUnavailableError
from connectors.http.seen_batch import LARGEST_BODY, MOST_ITEMS, MOST_OF_STRANGERS, PATH
from tests.unit.connectors.http.callers import CLIENT
from tests.unit.connectors.http.edge import NOW, Edge, edge

ONE = {"tag": "news", "id": "1"}


async def post(one: Edge, body: Any, **headers: str) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    async with one.client.post(PATH, data=raw, headers=told) as response:
        return response.status, await response.json(content_type=None)


async def test_each_item_is_a_post_of_the_same_user_and_has_a_result() -> None:
    items = [ONE, {"tag": "news"}, ONE, 7, {**ONE, "seen_at": "2020-01-01T00:00:00Z", "more": 1}]
    async with edge() as one:
        status, body = await post(one, {"items": items, "more": 1}, **CLIENT)
    assert (200, [200, 400, 200, 400, 200]) == (status, [item["status"] for item in body["results"]])
    assert {
        "status": 400,
        "code": "invalid_field",
        "errors": [{"pointer": "/id", "detail": "is missing"}],
    } == (body["results"][1])
    assert [("user:u-1", NOW)] * 3 == [(record.user_key, record.received_at) for record in one.published]
    assert 3 == one.sample("carillon_seen_posts_total", kind="client")


async def test_a_beacon_needs_no_json_content_type() -> None:
    async with edge() as one:
        status, body = await post(one, {"items": [ONE]}, Content_Type="text/plain;charset=UTF-8")
    assert (200, {"results": [{"status": 200}]}) == (status, body)
    assert [("unauthorized", None)] == [(record.kind, record.user_key) for record in one.published]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"[]", 400, "invalid_field"),
        (b"\xff", 400, "invalid_json"),
        (b'{"items":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", 400, "invalid_json"),
        ({}, 400, "invalid_field"),
        ({"items": 5}, 400, "invalid_field"),
        ({"items": []}, 400, "invalid_field"),
        ({"items": [ONE] * (MOST_ITEMS + 1)}, 400, "invalid_field"),
        (b" " * (LARGEST_BODY + 1), 413, "too_large"),
    ],
)
async def test_what_is_no_batch_is_refused_whole(body: Any, status: int, code: str) -> None:
    async with edge() as one:
        told, problem = await post(one, body)
    assert (status, code, []) == (told, problem["code"], one.published)


@pytest.mark.parametrize(
    "item", [b'"\xff"', b'{"tag":"a","id":"\xff"}', b'{"tag":"a\\u0000","id":"b"}', b"null"]
)
async def test_an_item_that_nobody_can_read_is_refused_alone(item: bytes) -> None:
    async with edge() as one:
        status, body = await post(one, b'{"items":[' + item + b',{"tag":"a","id":"b"}]}')
    assert (200, [400, 200]) == (status, [found["status"] for found in body["results"]])


async def test_five_hundred_pass() -> None:
    async with edge() as one:
        status, body = await post(one, {"items": [ONE] * MOST_ITEMS}, **CLIENT)
    assert (200, MOST_ITEMS, MOST_ITEMS) == (status, len(body["results"]), len(one.published))


async def test_who_is_not_the_gateway_sends_few_at_once() -> None:
    async with edge() as one:
        taken, _ = await post(one, {"items": [ONE] * MOST_OF_STRANGERS})
        one.published.clear()
        status, problem = await post(one, {"items": [ONE] * (MOST_OF_STRANGERS + 1)})
    assert (200, 403, []) == (taken, status, one.published)
    assert ["must have 1 to 20 items; the gateway may send more"] == [
        fault["detail"] for fault in problem["errors"]
    ]


async def test_what_the_broker_did_not_take_is_not_counted() -> None:
    limits = Limits(lambda: NOW, Limit("user", 4), Limit("address", 4))
    async with edge(throttle=limits) as one:
        there, one.broker = one.broker, _away
        found = [(await post(one, {"items": [ONE] * 4}, **CLIENT))[0] for _ in range(3)]
        one.broker = there
        found += [(await post(one, {"items": [ONE] * 4}, **CLIENT))[0] for _ in range(2)]
    assert [503, 503, 503, 200, 429] == found


async def _away() -> None:
    raise BrokerUnavailableError


async def test_one_item_that_is_not_durable_makes_it_a_503() -> None:
    async with edge() as one:
        turns = iter(range(10))

        async def broker() -> None:
            if next(turns) == 1:
                raise BrokerUnavailableError

        one.broker = broker
        status, problem = await post(one, {"items": [ONE, ONE, ONE]})
    assert (503, "broker_unavailable", 0) == (
        status,
        problem["code"],
        one.sample("carillon_seen_posts_total", kind="unauthorized"),
    )


async def test_a_broker_that_does_not_answer_in_time_makes_it_a_503() -> None:
    async with edge(publish_timeout_ms=20) as one:
        one.broker = asyncio.Event().wait  # type: ignore[assignment]
        status, _ = await post(one, {"items": [ONE, ONE]})
    assert 503 == status


async def test_a_defect_in_one_item_is_no_success() -> None:
    async with edge() as one:

        async def broker() -> None:
            raise ZeroDivisionError

        one.broker = broker
        status, _ = await post(one, {"items": [ONE]})
    assert 500 == status


async def test_the_limits_count_its_items() -> None:
    limits = Limits(lambda: NOW, Limit("user", 4), Limit("address", 4))
    async with edge(throttle=limits) as one:
        found = [(await post(one, {"items": [ONE] * 4}, **CLIENT))[0] for _ in range(2)]
    assert [200, 429] == found
