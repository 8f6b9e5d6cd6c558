"""`POST /send` beside the bare handler: an open loop at the demanded rate, and each as fast as it can.

python -m bench --only send
"""

from __future__ import annotations

from hashlib import sha256

from bench.engines.bare import TOPIC
from bench.product import Product, cpu_s, product
from bench.sections import BROKER, CLIENT, RATE, SUBJECT, Column, Ground, Plan, Row, Section
from bench.seen import posted
from bench.watch import Watched, python
from connectors.embedded.kafka import free_port

CONNECTIONS = 64
WARM_S, MEASURED_S = 2.0, 8.0
WAIT_S = 60.0
DEMANDED = 5_000
"""Requests a second that one process is to accept, P95 under 50 ms (issue 6)."""
KEY = "ck_live_bench"
BARE, SEND = "bare handler", "POST /send"


async def _measure(ground: Ground, _plan: Plan) -> list[Row]:
    rows: list[Row] = []
    async with product(ground, "send") as made:
        made.flags["http.api_keys"] = f"bench:{sha256(KEY.encode()).hexdigest()}:send"
        made.stock.create([TOPIC], made.settings.kafka.partitions)
        port = free_port(0, beside=made.settings.http.port)
        argv = python("bench.engines.bare", [f"--bootstrap={made.stock.bootstrap}", f"--port={port}"])
        bare = await Watched.start(argv, made.folder / "bare")
        try:
            await bare.until(lambda: bare.said("BARE"), WAIT_S, "the bare handler did not start")
            rows += [await _run(ground, made, (BARE, bare, port), rate) for rate in (DEMANDED, None)]
        finally:
            await bare.stop()
        server = await made.http()
        try:
            subject = (SEND, server.watched, made.settings.http.port)
            rows += [await _run(ground, made, subject, rate) for rate in (DEMANDED, None)]
        finally:
            await server.watched.stop()
    return with_shares(rows)


async def _run(ground: Ground, made: Product, subject: tuple[str, Watched, int], rate: int | None) -> Row:
    """One client against one server; at `rate` a wait counts from the time at which the post was due."""
    name, watched, port = subject
    offered = f"{rate}/s" if rate else "as it can"
    ground.say(f"{name}, {offered}, over {CONNECTIONS} connections")
    pids = (watched.process.pid, made.kafka_pid)
    before = [cpu_s(pid) for pid in pids]
    told = await posted(
        made.folder / f"{name.split()[-1].strip('/')}-{rate}",
        WAIT_S,
        "--what=send",
        f"--port={port}",
        f"--connections={CONNECTIONS}",
        f"--warm={WARM_S}",
        f"--seconds={MEASURED_S}",
        *([f"--rate={rate}"] if rate else []),
        secret=KEY,
    )
    spent = [cpu_s(pid) - was for pid, was in zip(pids, before, strict=True)]
    posts = max(told["rate"], 1.0) * (WARM_S + MEASURED_S)
    costs = {"client_us": spent[0] * 1e6 / posts, "broker_us": spent[1] * 1e6 / posts}
    return {"subject": name, "offered": offered, **told, **costs}


def with_shares(rows: list[Row]) -> list[Row]:
    """Beside each row, how much of the bare handler's rate it has."""
    bare = {row["offered"]: float(row["rate"]) for row in rows if row["subject"] == BARE}
    return [{**row, "of_bare": float(row["rate"]) / bare[row["offered"]]} for row in rows]


SENDING = Section(
    "send",
    "POST /send",
    "One HTTP process with authentication on, beside a handler that only reads and writes; a cheap client on"
    " the same two cores. At a given rate a wait counts from the time at which the request was due. CPU of"
    " the server, per request.",
    (
        SUBJECT,
        Column("offered", "offered"),
        RATE,
        Column("of_bare", "of bare", "{:.2f}"),
        Column("p50_ms", "P50 ms", "{:,.1f}"),
        Column("p95_ms", "P95 ms", "{:,.1f}"),
        Column("p99_ms", "P99 ms", "{:,.1f}"),
        CLIENT,
        BROKER,
    ),
    _measure,
)
