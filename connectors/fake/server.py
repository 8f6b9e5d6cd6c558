"""Starts and stops the servers of the fake provider on the running loop."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from connectors.fake.desk import Desk
from connectors.fake.http_server import ApiDesk
from connectors.fake.smtp_server import MailDesk
from connectors.fake.vendors.apns import ApnsDesk

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from connectors.fake.http2_server import Http2Server

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class FakeSettings:
    """Ports: 0 takes a free one. `hang_ms`: how long a call that gets no answer is held at most.

    `keys`: vendor → the public key of the one who may sign there (`fcm`, `apns`); of others anyone.
    """

    host: str = LOOPBACK
    http_port: int = 0
    smtp_port: int = 0
    ledger: Path | None = None
    apns_port: int = 0
    hang_ms: int = 120_000
    api_key: str | None = None
    smtp_credentials: tuple[str, str] | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunningFake:
    """Where the servers listen, and the desk behind them."""

    desk: Desk
    host: str
    http_port: int
    smtp_port: int
    mails: MailDesk
    apns_port: int
    apns: Http2Server

    def cut_mails(self) -> None:
        """Cut every SMTP connection, as a server does that restarts."""
        self.mails.cut()

    @property
    def url(self) -> str:
        """Where the vendor's HTTP API is."""
        return f"http://{self.host}:{self.http_port}"

    @property
    def apns_url(self) -> str:
        """Where Apple's push service is: HTTP/2 in clear."""
        return f"http://{self.host}:{self.apns_port}"


@asynccontextmanager
async def running(settings: FakeSettings, now_ms: Callable[[], int]) -> AsyncIterator[RunningFake]:
    """Serve inside the block; afterwards nothing listens and every connection is cut."""
    desk = Desk(settings.ledger, now_ms)
    api = ApiDesk(desk, settings.hang_ms / 1000, settings.api_key, settings.keys)
    mails = MailDesk(desk, settings.hang_ms / 1000, settings.smtp_credentials)
    runner = web.AppRunner(api.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.http_port).start()
        smtp = await mails.listen(settings.host, settings.smtp_port)
        apns = ApnsDesk(api).server
        http2 = await apns.listen(settings.host, settings.apns_port)
        try:
            http_port = int(runner.addresses[0][1])
            ports = http_port, _port(smtp), mails, _port(http2), apns
            yield RunningFake(desk, settings.host, *ports)
        finally:
            for server in (smtp, http2):
                server.close()
            mails.cut()
            apns.cut()
    finally:
        api.stopping.set()
        await runner.cleanup()
        desk.close()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])
