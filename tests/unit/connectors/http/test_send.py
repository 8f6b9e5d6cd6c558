"""One request over HTTP: durable before 202, known again by its key, refused with every fault."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

from connectors.http.ports import BrokerUnavailableError
from connectors.http.send import PATH
from connectors.http.send_form import FARTHEST_MS, LARGEST
from schemas.inputs import MAX_BYTES, decode_send_request
from schemas.records import SendRequest
from schemas.times import rfc3339
from tests.unit.connectors.http.edge import NOW, Edge, edge

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
BODY: dict[str, Any] = {"user_id": USER, "notification_type": "order_confirmation"}
SOURCE = "ck_live_sh"
"""The name of the key by which the shop calls."""


def request_of(one: Edge, place: int = 0) -> SendRequest:
    """What the intake reads of a record that was produced."""
    return decode_send_request(one.produced[place].value)


@pytest.mark.spec("NS-API-055 NS-API-056 NS-API-OP-15 NS-SND-001 NS-SND-002 NS-SND-010 NS-OPS-022")
async def test_an_accepted_request_is_in_the_topic_with_its_id_and_its_sender() -> None:
    async with edge() as one:
        status, body, headers = await one.ask("POST", PATH, {**BODY, "data": {"n": 1}, "priority": "high"})
    (record,) = one.produced
    assert (202, "accepted") == (status, body["status"])
    assert f"/api/v1/notifications/stats/messages/{body['id']}" == headers["Location"]
    assert ("notification.send.request", f"user:{USER}".encode()) == (record.topic, record.key)
    assert (body["id"].encode(), SOURCE.encode()) == (record.headers["request_id"], record.headers["source"])
    assert record.headers["traceparent"]
    expected = SendRequest(
        user_id=USER,
        notification_type="order_confirmation",
        idempotency_key=body["id"],
        data={"n": 1},
        priority="high",
    )
    assert expected == request_of(one)
    assert 1 == one.sample("carillon_send_requests_total", kind="send")


@pytest.mark.spec("NS-API-OP-16")
async def test_all_that_may_be_asked_for_reaches_the_intake() -> None:
    whole = {
        **BODY,
        "user_id": USER.upper(),
        "data": {"big": 10**30, "deep": [{"a": None}], "text": "Заказ"},
        "priority": "low",
        "idempotency_key": "k-1",
        "scheduled_at": rfc3339(NOW + FARTHEST_MS),
        "language": "en",
        "channels": ["sms", "in_app"],
    }
    async with edge() as one:
        status, _, _ = await one.ask("POST", PATH, whole)
    assert 202 == status
    assert SendRequest(**{**whole, "user_id": USER}) == request_of(one)


@pytest.mark.spec("NS-SND-OP-11")
async def test_a_repeat_has_the_same_id_and_whatever_differs_has_another() -> None:
    keyed = {**BODY, "idempotency_key": "k-1"}
    others = [{**keyed, "user_id": str(UUID(int=1))}, {**keyed, "idempotency_key": "k-2"}, BODY, BODY]
    async with edge() as one:
        same = [(await one.ask("POST", PATH, body))[1]["id"] for body in (keyed, {**keyed, "data": {"x": 1}})]
        ids = {(await one.ask("POST", PATH, body))[1]["id"] for body in others}
        header = (await one.ask("POST", PATH, BODY, Idempotency_Key="k-1"))[1]["id"]
        body_wins = (await one.ask("POST", PATH, keyed, Idempotency_Key="k-9"))[1]["id"]
    assert {same[0]} == {*same, header, body_wins}
    assert 4 == len(ids - {same[0]})
    assert "k-1" == request_of(one).idempotency_key


@pytest.mark.parametrize("key", ["", "two words", "ж", "x" * 251])
async def test_a_header_that_can_be_no_key_is_refused(key: str) -> None:
    async with edge() as one:
        status, body, _ = await one.ask("POST", PATH, BODY, Idempotency_Key=key)
    assert (400, "invalid_field", []) == (status, body["code"], one.produced)


def nested(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = {"a": found}
    return found


@pytest.mark.spec("NS-API-OP-16 NS-SND-OP-01 NS-SEC-013")
@pytest.mark.parametrize(
    ("changed", "pointers"),
    [
        ({"user_id": "7"}, ["/user_id"]),
        ({"user_id": USER + "\n"}, ["/user_id"]),
        ({"notification_type": ""}, ["/notification_type"]),
        ({"notification_type": "x" * 101}, ["/notification_type"]),
        ({"data": []}, ["/data"]),
        ({"data": {"x": ["a\0"]}}, ["/data"]),
        ({"data": nested(33)}, ["/data"]),
        ({"priority": "urgent"}, ["/priority"]),
        ({"idempotency_key": ""}, ["/idempotency_key"]),
        ({"idempotency_key": "\0"}, ["/idempotency_key"]),
        ({"scheduled_at": "tomorrow"}, ["/scheduled_at"]),
        ({"scheduled_at": "2027-01-15T10:00:00"}, ["/scheduled_at"]),
        ({"scheduled_at": rfc3339(NOW + FARTHEST_MS + 1)}, ["/scheduled_at"]),
        ({"language": "x" * 11}, ["/language"]),
        ({"channels": []}, ["/channels"]),
        ({"channels": ["email", "pigeon"]}, ["/channels/1"]),
        ({"chanels": ["email"], "a/b~": 1}, ["/chanels", "/a~1b~0"]),
        ({"user_id": 1, "priority": 1, "data": 1, "x": 1}, ["/user_id", "/data", "/priority", "/x"]),
    ],
)
async def test_every_fault_is_told_with_its_place(changed: dict[str, Any], pointers: list[str]) -> None:
    async with edge() as one:
        status, body, _ = await one.ask("POST", PATH, {**BODY, **changed})
    assert (400, "invalid_field") == (status, body["code"])
    assert pointers == [error["pointer"] for error in body["errors"]]
    assert [] == one.produced
    assert "\\0" not in json.dumps(body)


async def test_what_is_missing_is_told() -> None:
    async with edge() as one:
        _, body, _ = await one.ask("POST", PATH, {})
    missing = [{"pointer": f"/{name}", "detail": "is missing"} for name in ("user_id", "notification_type")]
    assert missing == body["errors"]


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"\xff", 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b'{"data": {"x": "\\ud800"}}', 400, "invalid_json"),
        (b'{"data": {"x": 1e999}}', 400, "invalid_json"),
        (b"[]", 400, "invalid_field"),
        (b" " * (LARGEST + 1), 413, "too_large"),
    ],
)
async def test_what_is_no_body_is_refused(raw: bytes, status: int, code: str) -> None:
    async with edge() as one:
        found, body, _ = await one.ask("POST", PATH, raw)
    assert (status, code, []) == (found, body["code"], one.produced)


async def test_what_grows_beyond_what_the_intake_reads_is_too_large() -> None:
    numbers = ",".join(["1e15"] * (LARGEST // 5 - 100))
    raw = json.dumps({**BODY, "data": {}})[:-2] + '"x":[' + numbers + "]}}"
    assert len(raw) <= LARGEST < MAX_BYTES
    async with edge() as one:
        status, _, _ = await one.ask("POST", PATH, raw.encode())
    assert (413, []) == (status, one.produced)


@pytest.mark.spec("NS-API-009 NS-SEC-031")
@pytest.mark.parametrize(
    ("authorization", "status"),
    [("", 401), ("Bearer ck_live_nobody", 401), ("Bearer ck_live_abc", 403), ("Bearer ck_test_def", 403)],
)
async def test_only_a_live_key_that_may_send_sends(authorization: str, status: int) -> None:
    async with edge() as one:
        found, _, _ = await one.ask("POST", PATH, BODY, Authorization=authorization)
    assert (status, []) == (found, one.produced)


async def never() -> None:
    await asyncio.sleep(60)


async def away() -> None:
    raise BrokerUnavailableError


async def broken() -> None:
    raise RuntimeError("a defect")


@pytest.mark.parametrize(("broker", "status"), [(never, 503), (away, 503), (broken, 500)])
async def test_without_the_brokers_word_there_is_no_202(broker: Any, status: int) -> None:
    async with edge(publish_timeout_ms=20) as one:
        one.broker = broker
        found, body, headers = await one.ask("POST", PATH, BODY)
    assert status == found
    assert status == 500 or ("broker_unavailable", "1") == (body["code"], headers["Retry-After"])
    assert not one.sample("carillon_send_requests_total", kind="send")
