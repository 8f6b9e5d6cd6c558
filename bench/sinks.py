"""Servers that take every mail and every push and keep none: `python -m bench.sinks`.

It prints the ports of SMTP and of HTTP. To `STAT` by SMTP it says how many it took of both. They are as cheap
as one can write them here, so that a bench measures who sends. With `--ledger FILE` each mail leaves a line
there before it is answered, in the form of the fake provider's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import cast

import uvloop

from connectors.providers.letter import MESSAGE_ID_HEADER

GREETING = b"220 sink.carillon.test ESMTP\r\n"
EXTENSIONS = b"250-sink.carillon.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
OK = b"250 2.0.0 Ok\r\n"
ANSWERS = {b"EHLO": EXTENSIONS, b"DATA": b"354 Go ahead\r\n", b"QUIT": b"221 2.0.0 Bye\r\n"}
LENGTH = b"content-length:"
OUR_ID = f"\r\n{MESSAGE_ID_HEADER}: ".encode()
LINE = b'{"at":%d,"channel":"email","recipient":"%s","message_id":"%s"}\n'
SENT = b'{"name":"projects/bench/messages/%d"}'
HTTP_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Sink(asyncio.Protocol):
    """One connection. `taken`: by all of them."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Someone wants to send."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is whole, in one write."""
        self._heard += data
        answers: list[bytes] = []
        while (answer := self._next()) is not None:
            answers.append(answer)
        if answers:
            self._transport.write(b"".join(answers))

    def _next(self) -> bytes | None:
        """Take what is whole off the front; its answer."""
        raise NotImplementedError


class MailSink(Sink):
    """Speaks SMTP. `ledger`: file handle for a line of each mail, -1 for none."""

    ledger = -1
    _in_mail = False
    _recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        super().connection_made(transport)
        self._transport.write(GREETING)

    def _next(self) -> bytes | None:
        end = b"\r\n.\r\n" if self._in_mail else b"\r\n"
        said, found, rest = self._heard.partition(end)
        if not found:
            return None
        self._heard = rest
        if self._in_mail:
            self._in_mail = False
            Sink.taken += 1
            if self.ledger >= 0:
                os.write(self.ledger, ledger_line(int(time.time() * 1000), self._recipient, said))
            return OK
        verb = said[:4].upper()
        if verb == b"RCPT":
            self._recipient = said
        self._in_mail = verb == b"DATA"
        return b"250 %d\r\n" % Sink.taken if verb == b"STAT" else ANSWERS.get(verb, OK)


class PushSink(Sink):
    """Speaks HTTP, and answers as FCM does."""

    def _next(self) -> bytes | None:
        head, found, rest = self._heard.partition(b"\r\n\r\n")
        if not found:
            return None
        fields = (line for line in head.lower().split(b"\r\n") if line.startswith(LENGTH))
        length = int(next(fields, LENGTH + b"0")[len(LENGTH) :])
        if len(rest) < length:
            return None
        self._heard = rest[length:]
        Sink.taken += 1
        body = SENT % Sink.taken
        return HTTP_OK % (len(body), body)


def ledger_line(at: int, recipient: bytes, mail: bytes) -> bytes:
    """What is kept of a mail; `recipient`: the line `RCPT TO:<…>`, `at`: ms."""
    message_id = mail.partition(OUR_ID)[2].partition(b"\r\n")[0]
    return LINE % (at, recipient.partition(b"<")[2].partition(b">")[0], message_id)


async def main(ledger: Path | None) -> None:
    """Until told to end."""
    if ledger is not None:
        MailSink.ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    servers = {
        name: await loop.create_server(kind, "127.0.0.1", 0)
        for name, kind in {"smtp": MailSink, "http": PushSink}.items()
    }
    ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    print(json.dumps(ports), flush=True)
    await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ledger", type=Path)
    uvloop.run(main(parser.parse_args().ledger))
