"""`python -m connectors.fake`: the fake provider as a process.

Prints one JSON line with its addresses when it is ready: pid, url, smtp_host, smtp_port, apns_url.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import uvloop

from connectors.clock import now_ms
from connectors.fake.server import LOOPBACK, FakeSettings, running

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. `arguments`: those of the command line by default."""
    options = _parser().parse_args(arguments)
    settings = FakeSettings(
        host=options.host,
        http_port=options.http_port,
        smtp_port=options.smtp_port,
        apns_port=options.apns_port,
        ledger=options.ledger,
        hang_ms=options.hang_ms,
    )
    uvloop.run(_serve(settings))


async def _serve(settings: FakeSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, now_ms) as fake:
        ready = {
            "pid": os.getpid(),
            "url": fake.url,
            "smtp_host": fake.host,
            "smtp_port": fake.smtp_port,
            "apns_url": fake.apns_url,
        }
        sys.stdout.write(orjson.dumps(ready).decode() + "\n")
        sys.stdout.flush()
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carillon fake", description=__doc__)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--http-port", type=int, default=0, help="port of the HTTP API; 0 takes a free one")
    parser.add_argument(
        "--smtp-port", type=int, default=0, help="port of the SMTP server; 0 takes a free one"
    )
    parser.add_argument(
        "--apns-port", type=int, default=0, help="port of Apple's push service; 0 takes a free one"
    )
    parser.add_argument("--ledger", type=Path, help="file of JSON lines, one per call")
    parser.add_argument("--hang-ms", type=int, default=120_000, help="how long an unanswered call is held")
    return parser


if __name__ == "__main__":
    main()
