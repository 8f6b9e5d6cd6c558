"""Batches: offset, outputs and rows move together or not at all (design rules 5 to 8)."""

from __future__ import annotations

from pathlib import Path

from tests.broker.app.ledger import EXACTLY_ONCE, create_topics, outcome, write
from tests.broker.app.process import AppProcess, ended
from tests.servers import Servers


async def test_every_record_comes_out_once_and_numbered(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    app, bootstrap = app_prefix, servers.bootstrap
    await create_topics(bootstrap, 4, f"{app}.in", f"{app}.out", f"{app}.count.changelog")
    worker = AppProcess(bootstrap, app, "w1", tmp_path, "counting")
    ids = [b"id-%d" % number for number in range(5_000)]
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 4, ((b"user-%d" % (n % 100), i) for n, i in enumerate(ids)))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", ids)
        assert 0 == await worker.stop()
