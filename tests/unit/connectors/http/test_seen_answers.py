"""The seen endpoint: repeats, brokers that are away, limits, traces, counts."""

from __future__ import annotations

import asyncio

import pytest

from connectors.http.limits import Limit, Limits
from connectors.http.ports import BrokerUnavailableError
from connectors.http.seen import PATH
from tests.unit.connectors.http.callers import CLIENT
from tests.unit.connectors.http.edge import NOW, edge


@pytest.mark.spec("SEEN-055")
async def test_every_repeat_makes_a_record() -> None:
    async with edge() as one:
        for _ in range(3):
            await one.post({"tag": "t", "id": "1"}, **CLIENT)
    assert len(one.published) == 3


@pytest.mark.spec("SEEN-OP-06 SEEN-053 SEEN-OP-12 SEEN-070")
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


@pytest.mark.spec("NS-API-OP-03")
async def test_a_problem_says_in_one_line_what_is_wrong_with_this_request() -> None:
    async with edge() as one:
        status, problem, headers = await one.post({"tag": "t", "id": 7}, **CLIENT)
    sentence = "A field is missing or has a wrong type or length."
    (fault,) = problem["errors"]
    told = f"{sentence} /id {fault['detail']}"
    assert (400, sentence, told, "/id") == (status, problem["title"], problem["detail"], fault["pointer"])
    assert "application/problem+json" == headers["Content-Type"].partition(";")[0]


async def test_defect_is_500_with_a_trace_id_and_without_its_text() -> None:
    async def broken() -> None:
        raise RuntimeError("inner secret")

    trace = "0af7651916cd43dd8448eb211c80319c"
    async with edge() as one:
        one.broker = broken
        status, problem, _ = await one.post(traceparent=f"00-{trace}-b7ad6b7169203331-01")
    assert (500, "internal", trace) == (status, problem["code"], problem["trace_id"])
    assert "secret" not in str(problem)


@pytest.mark.spec("SEEN-OP-12")
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


@pytest.mark.spec("SEEN-075")
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
