"""An SMTP server that says exactly what a test wants it to say."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from connectors.providers.smtp import Smtp
from schemas.records import Content

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from ssl import SSLContext

CONTENT = Content(body="<p>Hello</p>", body_text="Hello", subject="Hello")
POLITE = {
    "greeting": "220 ready",
    "EHLO": "250 test",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "body": "250 2.0.0 ok: queued as A1",
    "STAR": "220 2.0.0 go ahead",
    "RSET": "250 2.0.0 ok",
    "QUIT": "221 bye",
}


class Script:
    """Replies by command; `said`: the commands of all connections in order, `bodies`: what followed DATA."""

    def __init__(self, replies: dict[str, str], tls: SSLContext | None = None) -> None:
        self.replies = {**POLITE, **replies}
        self.said: list[str] = []
        self._tls = tls
        self.bodies: list[bytes] = []
        self.greetings = 0
        self._talks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(task)
        await task

    async def end(self) -> None:
        for task in self._talks:
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._listen(reader, writer)
        finally:
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.greetings += 1
        self._say(writer, "greeting")
        while line := await reader.readline():
            command = line[:4].decode().strip().upper()
            self.said.append(command)
            self._say(writer, command)
            if command == "STAR" and self._tls is not None:
                await writer.start_tls(self._tls)
            if command == "DATA" and self.replies["DATA"].startswith("354"):
                self.bodies.append(await reader.readuntil(b"\r\n.\r\n"))
                self._say(writer, "body")

    def _say(self, writer: asyncio.StreamWriter, command: str) -> None:
        reply = self.replies.get(command, "502 5.5.1 no")
        if reply == "cut":
            writer.close()
        elif reply != "silence":
            writer.write(reply.encode() + b"\r\n")


@asynccontextmanager
async def conversation(
    replies: dict[str, str] | None = None, **config: Any
) -> AsyncIterator[tuple[Script, Smtp]]:
    script = Script(replies or {})
    server = await asyncio.start_server(script.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    where = {"host": "127.0.0.1", "port": port, "from_address": "us@carillon.test"}
    carrier = Smtp("mail", {**where, **config}, lambda: 0)
    try:
        yield script, carrier
    finally:
        await carrier.close()
        server.close()
        await script.end()
