"""The job on stock Faust: an agent over events, a RocksDB table, at-least-once.

Its own `exactly_once` is left out: it leaves the transaction where an output's partition is not the input's.
"""

from __future__ import annotations

import sys
from typing import Any

import faust
import orjson

from bench.job import PARTITIONS, Order, order_of, say_first


def app_of(order: Order) -> faust.App:
    """The Faust app of one order."""
    app = faust.App(
        order.app,
        broker=f"kafka://{order.bootstrap}",
        store="rocksdb://",
        datadir=order.data,
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        web_enabled=False,
        stream_buffer_maxsize=4096,
        stream_wait_empty=False,
        consumer_max_fetch_size=4 << 20,
        consumer_auto_offset_reset="earliest",
        producer_linger=0.005,
        producer_max_batch_size=1 << 20,
        broker_commit_interval=2.0,
    )
    raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw", "partitions": PARTITIONS}
    requests = app.topic(order.source, **raw)
    outputs = {channel: app.topic(name, **raw) for channel, name in order.outputs.items()}
    dedup = app.Table("dedup", key_type=str, value_type=int, partitions=PARTITIONS)

    @app.agent(requests)
    async def once(stream: faust.StreamT[bytes]) -> None:
        told = False
        async for event in stream.events():
            if not told:
                told = True
                say_first()
            request = orjson.loads(event.value)
            key = request["idempotency_key"]
            if key in dedup:
                continue
            body = orjson.dumps({"id": key, "to": request["user_id"], "p": request["params"]})
            for channel in request["channels"]:
                await outputs[channel].send(key=event.key, value=body)
            dedup[key] = request["ts"]

    return app


if __name__ == "__main__":
    found = app_of(order_of())
    sys.argv = ["faust", "worker", "--loglevel=warn", "--without-web"]
    found.main()
