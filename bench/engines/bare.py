"""The least that could answer a post: aiohttp reads it, aiokafka writes it with `acks=all`, unlooked at.

`POST /send` is measured beside it: what it takes longer is authentication, validation, ids, traces, metrics.
"""

from __future__ import annotations

import argparse
import asyncio

import uvloop
from aiohttp import web
from aiokafka import AIOKafkaProducer

from connectors.http.send import PATH

TOPIC = "bench.bare"


async def serve(bootstrap: str, port: int) -> None:
    """Answer until the process is ended."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=2, max_batch_size=1 << 18
    ) as producer:

        async def take(request: web.Request) -> web.Response:
            await (await producer.send(TOPIC, await request.read()))
            return web.Response(status=202, body=b"{}", content_type="application/json")

        app = web.Application()
        app.router.add_post(PATH, take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        print("BARE", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    uvloop.run(serve(given.bootstrap, given.port))
