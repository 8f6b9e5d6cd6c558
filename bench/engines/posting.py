"""Posts seen facts over kept-alive connections, each again as soon as it is answered, timing the answers.

A client of few microseconds a post, so that the server beside it on the same cores is what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from itertools import count
from statistics import quantiles
from typing import cast

import uvloop

from connectors.http.seen import PATH

HEAD = (
    f"POST {PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    "X-Auth-Kind: client\r\nX-Gateway-Secret: {secret}\r\nX-User-Id: user-{number}\r\n"
    "Content-Length: {length}\r\n\r\n"
)
OK = b"HTTP/1.1 200"
END = b"\r\n\r\n"


class Client(asyncio.Protocol):
    """One connection. Answers have a body of some bytes, so one without a body is not complete."""

    def __init__(self, secret: str, numbers: count[int], waits_ms: list[tuple[float, float]]) -> None:
        self._secret = secret
        self._numbers = numbers
        self._waits_ms = waits_ms
        self._sent_at = 0.0
        self._answer = b""
        self.refused: bytes | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._post()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        _, end, body = self._answer.partition(END)
        if not end or not body:
            return
        if not self._answer.startswith(OK):
            self.refused = self._answer
            return
        now = time.monotonic()
        self._waits_ms.append((now, (now - self._sent_at) * 1000))
        self._answer = b""
        self._post()

    def _post(self) -> None:
        assert self.transport is not None
        number = next(self._numbers)
        body = b'{"tag":"promotions","id":"%d"}' % number
        head = HEAD.format(secret=self._secret, number=number % 100_000, length=len(body))
        self._sent_at = time.monotonic()
        self.transport.write(head.encode() + body)


async def post(options: argparse.Namespace) -> dict[str, float]:
    """Answers a second and their percentiles in ms, those of the warm-up left out."""
    waits: list[tuple[float, float]] = []
    numbers = count()
    loop = asyncio.get_running_loop()
    clients = [
        (
            await loop.create_connection(
                lambda: Client(options.secret, numbers, waits), "127.0.0.1", options.port
            )
        )[1]
        for _ in range(options.connections)
    ]
    await asyncio.sleep(options.warm)
    began = time.monotonic()
    await asyncio.sleep(options.seconds)
    seconds = time.monotonic() - began
    for client in clients:
        if client.refused is not None:
            raise SystemExit(client.refused.decode())
    kept = [wait for at, wait in waits if at >= began]
    cuts = quantiles(kept, n=100)
    return {"rate": len(kept) / seconds, "p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--warm", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    print("POSTED", json.dumps(uvloop.run(post(parser.parse_args()))), flush=True)
