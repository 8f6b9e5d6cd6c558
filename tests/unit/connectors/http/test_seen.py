"""The seen endpoint over a real socket (SEEN-050…SEEN-056)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.http.limits import Limit, Limits
from connectors.http.ports import BrokerUnavailableError
from connectors.http.seen import PATH
from schemas.records import SeenPosted
from tests.unit.connectors.http.edge import KEY, NOW, SECRET, edge

CLIENT = {"X_Gateway_Secret": SECRET, "X_Auth_Kind": "client", "X_User_Id": "u-1"}


async def test_post_of_a_client_is_published_and_then_answered() -> None:
    identity = {**CLIENT, "X_Uid": "7", "X_Bound_Uids": "8, 9,", "X_Phone_Id": "p"}
    async with edge() as one:
        status, body, headers = await one.post({"tag": "promotions", "id": "some-id"}, **identity)
    assert (200, {}, "application/json") == (status, body, headers["Content-Type"])
    assert one.published == [
        SeenPosted(
            kind="client",
            tag="promotions",
            id="some-id",
            seen_at=NOW,
            received_at=NOW,
            user={"user_id": "u-1", "uid": "7", "bound_uids": ["8", "9"], "phone_id": "p"},
            user_key="user:u-1",
        )
    ]


@pytest.mark.parametrize(
    ("headers", "kind", "user_key"),
    [
        (CLIENT, "client", "user:u-1"),
        ({**CLIENT, "X_Gateway_Secret": "an older secret"}, "client", "user:u-1"),
        ({**CLIENT, "X_Gateway_Secret": "forged"}, "unauthorized", None),
        ({"X_Auth_Kind": "client", "X_User_Id": "u-1"}, "unauthorized", None),
        (
            {
                "X_Gateway_Secret": SECRET,
                "X_Auth_Kind": "driver",
                "X_Driver_Db_Id": "d",
                "X_Driver_Uuid": "e",
            },
            "driver",
            "driver:d_e",
        ),
        ({"X_Gateway_Secret": SECRET}, "unauthorized", None),
        ({"X_Gateway_Secret": SECRET, "X_Device_Id": "phone"}, "unauthorized", "device:phone"),
        ({"X_Device_Id": "phone"}, "unauthorized", None),
        (
            {"Authorization": f"Bearer {KEY}", "X_Auth_Kind": "client", "X_User_Id": "u-1"},
            "client",
            "user:u-1",
        ),
        (
            {"Authorization": "Bearer ck_test_def", "X_Auth_Kind": "client", "X_User_Id": "u-1"},
            "unauthorized",
            None,
        ),
        (
            {"Authorization": "Bearer a.users.jwt", "X_Auth_Kind": "client", "X_User_Id": "u-1"},
            "unauthorized",
            None,
        ),
    ],
)
async def test_identity_counts_only_with_the_gateways_proof(
    headers: dict[str, str], kind: str, user_key: str | None
) -> None:
    async with edge() as one:
        status, _, _ = await one.post({"tag": "t", "id": "1", "user_id": "someone else"}, **headers)
    assert (200, [(kind, user_key)]) == (status, [(post.kind, post.user_key) for post in one.published])


@pytest.mark.parametrize(
    "changes",
    [
        {"X_User_Id": ""},
        {"X_User_Id": "x" * 257},
        {"X_User_Id": "\udcff"},
        {"X_Auth_Kind": "driver"},
        {"X_Auth_Kind": "stowaway"},
    ],
)
async def test_session_without_its_ids_is_forbidden_so_that_the_client_keeps_the_fact(
    changes: dict[str, str],
) -> None:
    async with edge() as one:
        status, body, _ = await one.post(**{**CLIENT, **changes})
    assert (403, "identity_incomplete", []) == (status, body["code"], one.published)


@pytest.mark.parametrize(
    ("body", "code", "pointers"),
    [
        (b"", "invalid_json", []),
        (b"{not json", "invalid_json", []),
        (b'{"tag": "\xff", "id": "1"}', "invalid_json", []),
        (b'{"tag": "\\ud800", "id": "1"}', "invalid_json", []),
        (b"[1]", "invalid_json", [""]),
        ({"tag": "news"}, "invalid_field", ["/id"]),
        ({"tag": "", "id": "1"}, "invalid_field", ["/tag"]),
        ({"tag": "n" * 65, "id": "i" * 257}, "invalid_field", ["/tag", "/id"]),
        ({"tag": 7, "id": None}, "invalid_field", ["/tag", "/id"]),
        ({"tag": "a\0b", "id": "1"}, "invalid_field", ["/tag"]),
    ],
)
async def test_malformed_body_is_refused_with_each_fault_named(
    body: Any, code: str, pointers: list[str]
) -> None:
    async with edge() as one:
        status, problem, headers = await one.post(body)
    assert (400, "application/problem+json") == (status, headers["Content-Type"])
    assert (code, pointers, []) == (
        problem["code"],
        [fault["pointer"] for fault in problem["errors"]],
        one.published,
    )


async def test_longest_tag_and_id_count_characters_and_are_taken() -> None:
    async with edge() as one:
        status, _, _ = await one.post({"tag": "ж" * 64, "id": "😀" * 256, "unknown": [1]})
    assert status == 200


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_large_body_is_refused(is_chunked: bool) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 1024

    async with edge() as one:
        data: Any = chunks() if is_chunked else b" " * 20_480
        async with one.client.post(PATH, data=data) as response:
            problem = await response.json(content_type=None)
    assert (413, "too_large") == (response.status, problem["code"])


async def test_body_in_a_broken_encoding_is_refused() -> None:
    async with edge() as one:
        status, problem, _ = await one.post(b"no gzip at all", Content_Encoding="gzip")
    assert (400, "invalid_json") == (status, problem["code"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2027-01-15T07:59:59Z", NOW - 1_000),
        ("2027-01-15T08:00:01Z", NOW),
        ("2027-01-15T10:00:00+03:00", NOW - 3_600_000),
        ("2027-01-15T07:00:00", NOW),
        ("soon", NOW),
        (1_700_000_000, NOW),
        (None, NOW),
    ],
)
async def test_time_of_display_counts_when_it_is_one_and_past(given: Any, expected: int) -> None:
    async with edge() as one:
        await one.post({"tag": "t", "id": "1", "seen_at": given})
    assert [(expected, NOW)] == [(post.seen_at, post.received_at) for post in one.published]


async def test_every_repeat_makes_a_record() -> None:
    async with edge() as one:
        for _ in range(3):
            await one.post({"tag": "t", "id": "1"}, **CLIENT)
    assert len(one.published) == 3


async def test_broker_away_is_503_and_worth_a_retry() -> None:
    async def away() -> None:
        raise BrokerUnavailableError

    async with edge() as one:
        one.broker = away
        status, problem, headers = await one.post()
    assert (503, "broker_unavailable", "1") == (status, problem["code"], headers["Retry-After"])


async def test_broker_that_takes_too_long_is_503_and_its_write_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with edge(publish_timeout_ms=20) as one:
        one.broker = slow
        status, _, _ = await one.post()
    assert (503, True) == (status, cancelled.is_set())


async def test_defect_is_500_with_a_trace_id_and_without_its_text() -> None:
    async def broken() -> None:
        raise RuntimeError("inner secret")

    trace = "0af7651916cd43dd8448eb211c80319c"
    async with edge() as one:
        one.broker = broken
        status, problem, _ = await one.post(traceparent=f"00-{trace}-b7ad6b7169203331-01")
    assert (500, "internal", trace) == (status, problem["code"], problem["trace_id"])
    assert "secret" not in str(problem)


async def test_throttled_caller_is_told_when_to_come_back() -> None:
    limits = Limits(lambda: NOW, per_user=Limit("user", 2))
    async with edge(throttle=limits) as one:
        answers = [await one.post(**CLIENT) for _ in range(3)]
        other, _, _ = await one.post(**{**CLIENT, "X_User_Id": "u-2"})
        stranger, _, _ = await one.post()
    assert [200, 200, 429] == [status for status, _, _ in answers]
    assert (200, 200, "30") == (other, stranger, answers[2][2]["Retry-After"])


async def test_trace_goes_on_and_the_request_id_is_kept() -> None:
    trace, request_id = "0af7651916cd43dd8448eb211c80319c", "7b1d0b2e-3a52-4c0e-9d5f-2f4b1f0a9c11"
    async with edge() as one:
        _, _, headers = await one.post(traceparent=f"00-{trace}-b7ad6b7169203331-00", X_Request_Id=request_id)
    version, trace_id, span_id, flags = one.headers[0]["traceparent"].decode().split("-")
    assert ("00", trace, "00", request_id) == (version, trace_id, flags, headers["X-Request-Id"])
    assert one.headers[0]["request_id"] == request_id.encode()
    assert span_id != "b7ad6b7169203331"


async def test_answers_are_counted_by_route_and_status() -> None:
    async with edge() as one:
        await one.post(**CLIENT)
        await one.post(b"no")
        await one.post(X_Gateway_Secret="forged")
    assert (2, 1, 1, 0) == (
        one.sample("carillon_http_requests_total", route="seen", status="200"),
        one.sample("carillon_http_requests_total", route="seen", status="400"),
        one.sample("carillon_http_gateway_mismatches_total"),
        one.sample("carillon_http_requests_in_flight"),
    )
    assert one.sample("carillon_seen_posts_total", kind="client") == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", PATH, 405, "method_not_allowed"),
        ("POST", "/", 404, "not_found"),
        ("GET", "/metrics", 404, "not_found"),
        ("POST", PATH + "/", 404, "not_found"),
    ],
)
async def test_what_no_route_takes_is_a_problem_too(method: str, path: str, status: int, code: str) -> None:
    async with edge() as one, one.client.request(method, path) as response:
        problem = await response.json(content_type=None)
    assert (status, code, "application/problem+json") == (
        response.status,
        problem["code"],
        response.content_type,
    )
    assert response.headers.get("Allow") == ("POST" if status == 405 else None)
