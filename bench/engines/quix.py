"""The job on Quix Streams, exactly-once: a stateful filter over a topic, two output topics."""

from __future__ import annotations

from typing import Any

from quixstreams import Application, State

from bench.job import Order, order_of, say_first


class Once:
    """Lets each idempotency key through once."""

    def __init__(self) -> None:
        self._told = False

    def __call__(self, request: dict[str, Any], state: State[str, int]) -> bool:
        if not self._told:
            self._told = True
            say_first()
        key = request["idempotency_key"]
        if state.get(key):
            return False
        state.set(key, request["ts"])
        return True


def message(request: dict[str, Any]) -> dict[str, Any]:
    """What goes out for one request."""
    return {"id": request["idempotency_key"], "to": request["user_id"], "p": request["params"]}


def app_of(order: Order) -> Application:
    """The application of one order, its dataframe included."""
    app = Application(
        broker_address=order.bootstrap,
        consumer_group=order.app,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=max(order.interval_ms / 1000, 1.0),
        state_dir=order.data,
        loglevel="WARNING",
        producer_extra_config={
            "linger.ms": 5,
            "batch.size": 1 << 19,
            "queue.buffering.max.messages": 1_000_000,
        },
    )
    requests = app.topic(order.source, value_deserializer="json", key_deserializer="str")
    frame = app.dataframe(requests).filter(Once(), stateful=True).apply(message)
    for topic in order.outputs.values():
        frame = frame.to_topic(app.topic(topic, value_serializer="json", key_serializer="str"))
    return app


if __name__ == "__main__":
    app_of(order_of()).run()
