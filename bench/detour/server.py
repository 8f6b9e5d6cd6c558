"""The mail server of one provider: aiosmtpd, none of ours. `python -m bench.detour.server` runs one.

It writes each mail into its ledger before it answers for it. On SIGHUP it reads its manners again: how many
mails a second it takes, and what it says to the others. It prints LISTENS when it does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import time
from pathlib import Path

import msgspec
import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session

LISTENS = "LISTENS"
HOST = "127.0.0.1"
ANSWER_S = 0.02
"""From the line in the ledger to the answer, as from a server not far away; who is killed has some open."""
BURST_S = 1.0
"""So many seconds of the rate may come at once: calls come in bursts."""
MESSAGE_ID = re.compile(rb"^message-id:\s*<([^@>]+)@", re.IGNORECASE | re.MULTILINE)


class Manners(msgspec.Struct, frozen=True):
    """How a server behaves. `rate`: mails a second that it takes, None: all; `refusal`: to those beyond."""

    rate: float | None = None
    refusal: str = ""


class Received(msgspec.Struct, frozen=True):
    """A line of the ledger; `at` is ms of wall time."""

    at: int
    channel: str
    provider: str
    message_id: str


class Desk:
    """Hooks of aiosmtpd, one for all connections."""

    def __init__(self, provider: str, ledger: Path, manners: Path) -> None:
        self._provider = provider
        self._file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._manners_file = manners
        self._looked, self._room = time.monotonic(), 0.0
        self.read_manners()

    def read_manners(self) -> None:
        """As they are now."""
        self._manners = msgspec.json.decode(self._manners_file.read_bytes(), type=Manners)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds hooks by name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse what is beyond the rate."""
        if self._is_full():
            return self._manners.refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Write it down, then say so."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        found = MESSAGE_ID.search(raw)
        line = Received(
            round(time.time() * 1000), "email", self._provider, found[1].decode() if found else "none"
        )
        os.write(self._file, msgspec.json.encode(line) + b"\n")
        await asyncio.sleep(ANSWER_S)
        return "250 2.0.0 Ok"

    def _is_full(self) -> bool:
        rate = self._manners.rate
        if rate is None:
            return False
        now = time.monotonic()
        most = max(rate * BURST_S, 1.0)
        self._room = min(self._room + (now - self._looked) * rate, most)
        self._looked = now
        if self._room < 1:
            return True
        self._room -= 1
        return False


async def main(given: argparse.Namespace) -> None:
    """Until told to end."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    desk = Desk(given.provider, given.ledger, given.manners)
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_signal_handler(signal.SIGHUP, desk.read_manners)

    def connection() -> SMTP:
        return SMTP(desk, hostname=f"{given.provider}.carillon.test", enable_SMTPUTF8=True, loop=loop)

    await loop.create_server(connection, HOST, given.port)
    print(LISTENS, flush=True)
    await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--provider", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--manners", type=Path, required=True)
    uvloop.run(main(parser.parse_args()))
