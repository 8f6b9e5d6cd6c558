"""Requests over HTTP/2: what is known of each when streams, connections and servers end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
from h2.errors import ErrorCodes

from connectors.fake.http2_server import Http2Answer, Http2Connection, Http2Request
from connectors.providers import http2_call, http2_link
from connectors.providers.http2_call import Http2Calls
from connectors.providers.http2_link import Http2Reply
from connectors.providers.port import Answer
from schemas.words import Verdict
from tests.unit.connectors.providers.http2_desk import Desk, calling, port_of, post, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def calls(desk: Desk) -> AsyncIterator[Http2Calls]:
    async with calling(lambda: Http2Connection(desk.server)) as one:
        yield one
        desk.server.cut()


async def test_an_answer_has_status_headers_and_body(calls: Http2Calls) -> None:
    reply = await post(calls)
    assert isinstance(reply, Http2Reply)
    assert (200, "/base/path", b"hello") == (reply.status, reply.headers["echo"], reply.body)


async def test_many_requests_share_one_connection_within_its_limits(desk: Desk, calls: Http2Calls) -> None:
    bodies = [b"%03d" % number * 700 for number in range(250)]  # four times what one window takes
    replies = await asyncio.gather(*(post(calls, body) for body in bodies))
    assert [body[:10] for body in bodies] == [
        reply.body for reply in replies if isinstance(reply, Http2Reply)
    ]
    assert 1 == desk.server.accepted
    assert 1 < desk.most <= 100


async def test_before_the_first_welcome_there_is_one_request_at_a_time(desk: Desk, calls: Http2Calls) -> None:
    desk.gate.clear()
    posts = [asyncio.create_task(post(calls)) for _ in range(5)]
    await desk.came(1)
    await asyncio.sleep(0.02)
    assert 1 == len(desk.bodies)
    desk.gate.set()
    assert [200] * 5 == [verdict(reply) for reply in await asyncio.gather(*posts)]


async def test_no_free_stream_in_time_is_temporary_for_nothing_was_sent(
    desk: Desk, calls: Http2Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one has more time: the stream it gives up at its end would be free for the second."""
    desk.gate.clear()
    first = asyncio.create_task(post(calls))
    await desk.came(1)
    monkeypatch.setattr(calls, "_timeout_s", 0.05)
    assert Verdict.TEMPORARY == verdict(await post(calls))
    assert 1 == len(desk.bodies)
    desk.gate.set()
    assert 200 == verdict(await first)


async def test_a_cut_connection_hides_answers_and_the_next_request_opens_another(
    desk: Desk, calls: Http2Calls
) -> None:
    await post(calls)
    desk.gate.clear()
    posts = [asyncio.create_task(post(calls)) for _ in range(3)]
    await desk.came(4)
    desk.server.cut()
    assert [Verdict.HIDDEN] * 3 == [verdict(reply) for reply in await asyncio.gather(*posts)]
    desk.gate.set()
    assert (200, 2) == (verdict(await post(calls)), desk.server.accepted)


async def test_after_a_goodbye_older_requests_are_answered_and_new_ones_go_elsewhere(
    desk: Desk, calls: Http2Calls
) -> None:
    await post(calls)
    desk.gate.clear()
    older = asyncio.create_task(post(calls, b"older"))
    await desk.came(2)
    desk.server.say_goodbye()
    newer = asyncio.create_task(post(calls, b"newer"))
    await desk.came(3)
    desk.gate.set()
    assert [200, 200] == [verdict(await older), verdict(await newer)]
    assert [b"hello", b"older", b"newer"] == desk.bodies
    async with asyncio.timeout(5):
        while len(desk.server.connections) > 1:  # the old one is closed when its last request has ended
            await asyncio.sleep(0.001)


class Refusing(Http2Connection):
    """Ends the first `times` streams of all its kind with `code`; 0 says goodbye without having looked."""

    times = 1
    code: int = ErrorCodes.REFUSED_STREAM

    def _begin(self, stream_id: int) -> None:
        kind = type(self)
        if kind.times <= 0:
            super()._begin(stream_id)
            return
        kind.times -= 1
        if self.code == ErrorCodes.NO_ERROR:
            self._machine.close_connection(last_stream_id=0)
        else:
            self._machine.reset_stream(stream_id, self.code)


@pytest.mark.parametrize(
    ("times", "code", "expected", "seen"),
    [
        (1, ErrorCodes.REFUSED_STREAM, 200, 1),
        (2, ErrorCodes.REFUSED_STREAM, Verdict.TEMPORARY, 0),
        (1, ErrorCodes.NO_ERROR, 200, 1),
        (2, ErrorCodes.NO_ERROR, Verdict.TEMPORARY, 0),
        (1, ErrorCodes.INTERNAL_ERROR, Verdict.HIDDEN, 0),
        (1, ErrorCodes.CANCEL, Verdict.HIDDEN, 0),
    ],
)
async def test_what_was_certainly_not_taken_goes_out_once_more_the_rest_is_hidden(
    desk: Desk, times: int, code: int, expected: Verdict | int, seen: int
) -> None:
    kind = type("Scripted", (Refusing,), {"times": times, "code": code})
    async with calling(lambda: kind(desk.server)) as calls:
        assert expected == verdict(await post(calls))
        assert seen == len(desk.bodies)
        desk.server.cut()


async def test_a_cancelled_request_gives_its_stream_back(desk: Desk, calls: Http2Calls) -> None:
    desk.gate.clear()
    call = asyncio.create_task(post(calls))
    await desk.came(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    desk.gate.set()
    assert (200, 1) == (verdict(await post(calls)), desk.server.accepted)


async def test_a_server_that_says_nothing_for_a_whole_call_is_left(desk: Desk) -> None:
    desk.gate.clear()
    async with calling(lambda: Http2Connection(desk.server), timeout_ms=100) as calls:
        assert Verdict.HIDDEN == verdict(await post(calls))
        desk.gate.set()
        assert (200, 2) == (verdict(await post(calls)), desk.server.accepted)
        desk.server.cut()


async def test_a_silent_connection_is_asked_whether_it_lives(
    desk: Desk, calls: Http2Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http2_call, "SILENT_S", 0.0)
    monkeypatch.setattr(http2_call, "PING_S", 0.1)
    assert [200, 200] == [verdict(await post(calls)), verdict(await post(calls))]
    assert 1 == desk.server.accepted
    for connection in desk.server.connections:
        assert connection._transport is not None
        connection._transport.pause_reading()
    replies = await asyncio.gather(*(post(calls) for _ in range(3)))
    assert [200] * 3 == [verdict(reply) for reply in replies]
    assert 2 == desk.server.accepted


async def test_a_long_answer_is_cut(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_link, "ANSWER_BYTES", 1_000)

    async def handle(_request: Http2Request) -> Http2Answer:
        return Http2Answer(200, {}, b"x" * 16_000)

    desk.server.handle = handle
    async with calling(lambda: Http2Connection(desk.server)) as calls:
        replies = [await post(calls) for _ in range(10)]  # windows are given back
        assert [1_000] * 10 == [len(reply.body) for reply in replies if isinstance(reply, Http2Reply)]
        desk.server.cut()


@pytest.mark.parametrize(("status", "headers"), [("abc", {}), ("", {}), ("²", {}), (200, {"name": b"\xff"})])
async def test_an_answer_that_is_none_is_hidden_at_once_and_breaks_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture, status: Any, headers: dict[str, Any]
) -> None:
    async def handle(_request: Http2Request) -> Http2Answer:
        return Http2Answer(status, headers, b"x")

    desk.server.handle = handle
    async with calling(lambda: Http2Connection(desk.server)) as calls:
        reply = await post(calls)
        assert isinstance(reply, Answer)
        assert (Verdict.HIDDEN, "the connection broke", []) == (reply.verdict, reply.detail, caplog.records)
        desk.server.cut()


async def test_many_who_wait_for_a_connection_get_one_failure() -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    calls = Http2Calls(f"http://127.0.0.1:{port_of(server)}", timeout_ms=100)
    began = asyncio.get_running_loop().time()
    replies = await asyncio.gather(*(post(calls) for _ in range(50)))
    assert [Verdict.TEMPORARY] * 50 == [verdict(reply) for reply in replies]
    assert asyncio.get_running_loop().time() - began < 50 * 0.1
    await calls.close()
    server.close()


async def test_a_server_of_another_protocol_is_temporary() -> None:
    class Http1(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            writing = cast("asyncio.WriteTransport", transport)
            writing.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writing.close()

    async with calling(Http1) as calls:
        assert Verdict.TEMPORARY == verdict(await post(calls))
