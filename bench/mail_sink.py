"""An SMTP server that takes every mail and keeps none: `python -m bench.mail_sink`.

It prints its port. To `STAT` it says how many mails it took so far. It is as cheap as one can be, so that a
bench measures who sends.
"""

from __future__ import annotations

import asyncio
import json
import signal
from typing import cast

import uvloop

GREETING = b"220 sink.carillon.test ESMTP\r\n"
EXTENSIONS = b"250-sink.carillon.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
OK = b"250 2.0.0 Ok\r\n"
ANSWERS = {b"EHLO": EXTENSIONS, b"DATA": b"354 Go ahead\r\n", b"QUIT": b"221 2.0.0 Bye\r\n"}
END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """One connection. `taken`: mails of all of them."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._heard = b""
        self._in_mail = False
        self._transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        """Answer what is whole, in one write."""
        self._heard += data
        answers: list[bytes] = []
        while (answer := self._next()) is not None:
            answers.append(answer)
        if answers:
            self._transport.write(b"".join(answers))

    def _next(self) -> bytes | None:
        end = END if self._in_mail else b"\r\n"
        said, found, rest = self._heard.partition(end)
        if not found:
            return None
        self._heard = rest
        if self._in_mail:
            self._in_mail = False
            Sink.taken += 1
            return OK
        verb = said[:4].upper()
        self._in_mail = verb == b"DATA"
        return b"250 %d\r\n" % Sink.taken if verb == b"STAT" else ANSWERS.get(verb, OK)


async def main() -> None:
    """Until told to end."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await ended.wait()


if __name__ == "__main__":
    uvloop.run(main())
