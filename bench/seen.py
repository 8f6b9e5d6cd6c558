"""`POST /seen`: answers a second of one process, each answered after all in-sync replicas have the record."""

from __future__ import annotations

import json
from pathlib import Path

from bench.product import cpu_s, product
from bench.sections import BROKER, CLIENT, RATE, SUBJECT, Column, Ground, Plan, Row, Section
from bench.watch import Watched, python

CONNECTIONS = (16, 64)
WARM_S, MEASURED_S = 3.0, 10.0
SECRET = "gateway-of-the-bench"  # noqa: S105 - of servers that live for a minute
WAIT_S = 60.0
WORD = "POSTED {"


async def _measure(ground: Ground, _plan: Plan) -> list[Row]:
    rows: list[Row] = []
    async with product(ground, "seen") as made:
        made.flags["http.gateway_secret"] = SECRET
        server = await made.http()
        try:
            for connections in CONNECTIONS:
                ground.say(f"POST /seen over {connections} connections")
                pids = (server.watched.process.pid, made.kafka_pid)
                before = [cpu_s(pid) for pid in pids]
                told = await posted(
                    made.folder / f"posting-{connections}",
                    WAIT_S,
                    f"--port={made.settings.http.port}",
                    f"--connections={connections}",
                    f"--warm={WARM_S}",
                    f"--seconds={MEASURED_S}",
                )
                spent = [cpu_s(pid) - was for pid, was in zip(pids, before, strict=True)]
                posts = told["rate"] * (WARM_S + MEASURED_S)
                costs = {"client_us": spent[0] * 1e6 / posts, "broker_us": spent[1] * 1e6 / posts}
                rows.append({"subject": f"{connections} connections", **told, **costs})
        finally:
            await server.watched.stop()
    return rows


async def posted(folder: Path, within_s: float, *arguments: str, secret: str = SECRET) -> dict[str, float]:
    """What a client that posts by these arguments tells."""
    argv = python("bench.engines.posting", [f"--secret={secret}", *arguments])
    watched = await Watched.start(argv, folder)
    try:
        await watched.until(lambda: watched.said(WORD), within_s, "the posts were not answered")
    finally:
        await watched.stop()
    found: dict[str, float] = json.loads("{" + watched.log.read_text().partition(WORD)[2].splitlines()[0])
    return found


SEEN = Section(
    "seen",
    "POST /seen",
    "One HTTP process; a cheap client on the same two cores posts again as soon as it is answered. CPU of "
    "the server, per post.",
    (
        SUBJECT,
        RATE,
        Column("p50_ms", "P50 ms", "{:,.1f}"),
        Column("p95_ms", "P95 ms", "{:,.1f}"),
        Column("p99_ms", "P99 ms", "{:,.1f}"),
        CLIENT,
        BROKER,
    ),
    _measure,
)
