"""`POST /4.0/mark-notify/v1/seen` over a socket: whatever comes is taken, or refused with a problem."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
from hypothesis import strategies as st

from connectors.http.problems import CONTENT_TYPE, Code
from connectors.http.seen import PATH
from schemas.codec import encode
from tests.fuzz.decoders import ODD, damaged
from tests.fuzz.target import Check, Target
from tests.strategies import JSON
from tests.unit.connectors.http.edge import KEY, SECRET, Edge, edge

NAMES = st.sampled_from(
    [
        b"X-Auth-Kind",
        b"X-User-Id",
        b"X-Uid",
        b"X-Bound-Uids",
        b"X-Phone-Id",
        b"X-Driver-Db-Id",
        b"X-Driver-Uuid",
        b"X-Device-Id",
        b"X-Forwarded-For",
        b"X-Request-Id",
        b"X-Gateway-Secret",
        b"Authorization",
        b"traceparent",
        b"tracestate",
        b"Content-Type",
        b"Content-Encoding",
        b"Cookie",
        b"Range",
        b"If-Match",
        b"Accept",
        b"Expect",
    ]
)
VALUES = st.sampled_from(
    [
        SECRET.encode(),
        f"Bearer {KEY}".encode(),
        b"Bearer ck_live_\xff",
        b"client",
        b"driver",
        b"none",
        b"gzip",
        b"deflate",
        b"br",
        b"text/plain; charset=utf-16",
        b"application/json; charset=nobody",
        b"multipart/form-data",
        b"00-" + b"0" * 32 + b"-" + b"1" * 16 + b"-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        b"x" * 300,
        "ж".encode(),
    ]
) | st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if byte > 31 and byte != 127))
PROVEN = {b"X-Gateway-Secret": SECRET.encode(), b"X-Auth-Kind": b"client", b"X-User-Id": b"u-1"}
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "tag": st.just("news") | JSON | st.text(max_size=80),
        "id": st.just("1") | JSON,
        "seen_at": st.just("2027-01-15T10:00:00+03:00") | JSON | st.integers(),
        "": JSON,
    },
)
BODIES = damaged((FACTS | JSON).map(msgspec.json.encode), ODD | st.binary(max_size=4)) | st.binary()
PACKED = (
    BODIES.map(lambda raw: gzip.compress(raw, mtime=0))
    | BODIES.map(zlib.compress)
    | st.just(gzip.compress(b" " * (1 << 22), mtime=0))
)
HEADERS = st.builds(
    lambda proven, more: [*(PROVEN.items() if proven else ()), *more],
    st.booleans(),
    st.lists(st.tuples(NAMES, VALUES), max_size=5),
)
REFUSED = range(400, 500)


def check_answer(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """200 with an empty object, or 4xx with a problem whose code is of the closed list."""
    if status == 200:
        assert b"{}" == body
        return
    assert status in REFUSED, (status, body)
    assert CONTENT_TYPE == headers["content-type"].partition(";")[0]
    problem = json.loads(body)
    assert status == problem["status"]
    assert problem["code"] in set(Code)


async def answered(
    port: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own, written byte by byte as given: no client mends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"POST {PATH} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close"]
        lines += [b"Content-Length: %d" % len(body), *(name + b": " + value for name, value in headers)]
        writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    first, *others = head.decode("latin-1").split("\r\n")
    told = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in others)}
    return int(first.split(" ")[1]), told, rest


@contextmanager
def serving() -> Iterator[Check]:
    """The public application on a loop that runs while a request does."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        application = edge()
        one: Edge = runner.run(application.__aenter__())
        port = one.client.port
        assert port is not None

        def check(given: tuple[list[tuple[bytes, bytes]], bytes]) -> None:
            one.published.clear()
            status, headers, body = runner.run(answered(port, *given))
            check_answer(status, headers, body)
            assert (status == 200) == bool(one.published)
            for record in one.published:
                encode(record)

        try:
            yield check
        finally:
            runner.run(application.__aexit__(None, None, None))


TARGETS: list[Target] = [
    Target("posts", "seen posts: body and headers", st.tuples(HEADERS, BODIES | PACKED), serving),
]
