"""Many requests at once: all or none, and ids in their order."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.ports import BrokerUnavailableError
from connectors.http.send import PATH as SEND_PATH
from connectors.http.send_batch import LARGEST_BODY, MOST_FAULTS, MOST_ITEMS, PATH
from connectors.http.send_form import LARGEST
from schemas.inputs import decode_send_request
from tests.unit.connectors.http.edge import edge
from tests.unit.connectors.http.test_send import BODY, USER


def numbered(count: int) -> dict[str, Any]:
    return {"notifications": [{**BODY, "idempotency_key": f"k-{n}"} for n in range(count)]}


@pytest.mark.spec("NS-API-057 NS-API-058 NS-API-OP-17 NS-SND-002 NS-EVT-OP-06")
async def test_ids_come_in_the_order_of_the_requests() -> None:
    async with edge() as one:
        status, ids, _ = await one.ask("POST", PATH, numbered(MOST_ITEMS))
        single = (await one.ask("POST", SEND_PATH, {**BODY, "idempotency_key": "k-7"}))[1]["id"]
    assert (202, MOST_ITEMS) == (status, len(set(ids)))
    assert single == ids[7]
    told = {record.headers["request_id"].decode(): record for record in one.produced}
    assert [f"k-{n}" for n in range(MOST_ITEMS)] == [
        decode_send_request(told[found].value).idempotency_key for found in ids
    ]
    assert MOST_ITEMS == one.sample("carillon_send_requests_total", kind="batch")


@pytest.mark.spec("NS-API-OP-17")
async def test_one_that_is_wrong_refuses_all_and_every_fault_is_told() -> None:
    items = [BODY, {**BODY, "priority": 1, "more": 1}, 7, {**BODY, "scheduled_at": "now"}, {}]
    async with edge() as one:
        status, body, _ = await one.ask("POST", PATH, {"notifications": items})
    assert (400, []) == (status, one.produced)
    assert ["/1/priority", "/1/more", "/2", "/3/scheduled_at", "/4/user_id", "/4/notification_type"] == [
        error["pointer"].removeprefix("/notifications") for error in body["errors"]
    ]


async def test_faults_are_told_up_to_a_number() -> None:
    async with edge() as one:
        _, body, _ = await one.ask("POST", PATH, {"notifications": [{}] * MOST_ITEMS})
    assert MOST_FAULTS == len(body["errors"])


async def test_a_key_of_the_batch_stands_for_items_without_one() -> None:
    items = {"notifications": [BODY, BODY, {**BODY, "idempotency_key": "own"}]}
    async with edge() as one:
        first = (await one.ask("POST", PATH, items, Idempotency_Key="batch-1"))[1]
        again = (await one.ask("POST", PATH, items, Idempotency_Key="batch-1"))[1]
    keys = [decode_send_request(record.value).idempotency_key for record in one.produced[:3]]
    assert ["batch-1/0", "batch-1/1", "own"] == keys
    assert first == again
    assert 3 == len(set(first))


async def test_one_key_at_two_requests_for_one_user_is_a_conflict() -> None:
    twice = [{**BODY, "idempotency_key": "k"}, {**BODY, "user_id": USER.upper(), "idempotency_key": "k"}]
    async with edge() as one:
        status, body, _ = await one.ask("POST", PATH, {"notifications": twice})
    assert (409, "key_repeated", []) == (status, body["code"], one.produced)
    assert "/notifications/1/idempotency_key" == body["errors"][0]["pointer"]


@pytest.mark.spec("NS-API-OP-17")
@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        ({}, 400, ["/notifications"]),
        ({"notifications": {}, "x": 1}, 400, ["/x", "/notifications"]),
        ({"notifications": [BODY], "x": 1}, 400, ["/x"]),
        ({"notifications": []}, 400, ["/notifications"]),
        ({"notifications": [BODY] * (MOST_ITEMS + 1)}, 400, ["/notifications"]),
        ({"notifications": [{**BODY, "data": {"x": "y" * LARGEST}}]}, 400, ["/notifications/0"]),
        ([], 400, [""]),
        (b"{", 400, []),
        (b'{"notifications":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", 400, []),
        (b" " * (LARGEST_BODY + 1), 413, []),
    ],
)
async def test_what_is_no_batch_is_refused(body: Any, status: int, pointers: list[str]) -> None:
    async with edge() as one:
        found, told, _ = await one.ask("POST", PATH, body)
    assert (status, []) == (found, one.produced)
    assert pointers == [error["pointer"] for error in told["errors"]]


async def test_a_batch_may_be_larger_than_other_bodies() -> None:
    items = {"notifications": [{**BODY, "data": {"x": "y" * 4000}}] * 900}
    async with edge() as one:
        status, ids, _ = await one.ask("POST", PATH, items)
    assert (202, 900) == (status, len(set(ids)))


async def test_when_the_broker_takes_some_the_batch_is_to_be_repeated() -> None:
    async with edge() as one:
        asked = 0

        async def some() -> None:
            nonlocal asked
            asked += 1
            if asked == 2:
                raise BrokerUnavailableError

        one.broker = some
        status, body, headers = await one.ask("POST", PATH, numbered(3))
    assert (503, "broker_unavailable", "1") == (status, body["code"], headers["Retry-After"])
    assert not one.sample("carillon_send_requests_total", kind="batch")
