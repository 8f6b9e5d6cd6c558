"""One connection to an SMTP server: opened by aiosmtplib, talked over in few steps (RFC 2920).

Connecting, TLS and logging in are the library's. It waits for the reply to each command, though; where the
server takes several at once, the envelope of a mail is one step here, and its body the second.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiosmtplib import SMTP

END = b".\r\n"
REFUSED = 400
LONGEST_REPLY = 64 << 10
"""A server that says more at once than this says nonsense."""
QUIT_S = 1.0


class Reply(NamedTuple):
    """What the server said to one command; lines of `text` have blanks between."""

    code: int
    text: str

    @property
    def refuses(self) -> bool:
        """Whether it is no yes."""
        return self.code >= REFUSED


class LostError(Exception):
    """The connection broke, or said what is no reply. It is closed."""


class SilentError(LostError):
    """No reply came in time."""


class Line(asyncio.Protocol):
    """A connection. `say` may be called by one at a time; after a `LostError` it is closed."""

    def __init__(self, client: SMTP, timeout_s: float) -> None:
        """`client` is not connected yet; `timeout_s` is for the replies to one step."""
        self._client = client
        self._timeout_s = timeout_s
        self._transport: asyncio.Transport | None = None
        self._heard = bytearray()
        self._replies: list[Reply] = []
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._silent_at = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Connect, secure, log in; raises what aiosmtplib raises."""
        await self._client.connect()
        if self._client.is_ehlo_or_helo_needed:
            await self._client.ehlo()
        self._transport = cast("asyncio.Transport", self._client.transport)
        self._transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether it was opened and is not over, as far as is known."""
        return self._transport is not None and not self._transport.is_closing()

    def takes(self, extension: str) -> bool:
        """Whether the server said so (EHLO)."""
        return self._client.supports_extension(extension)

    async def say(self, commands: Sequence[bytes]) -> list[Reply]:
        """The replies to these; up to the first refusal, if the server takes one after the other only."""
        if self.takes("pipelining"):
            return await self._asked(b"".join(commands), len(commands))
        replies: list[Reply] = []
        for command in commands:
            replies += await self._asked(command, 1)
            if replies[-1].refuses:
                break
        return replies

    async def say_mail(self, raw: bytes) -> Reply:
        """The body after DATA; `raw` ends its lines with CRLF. The reply says whether it was taken."""
        stuffed = raw.replace(b"\r\n.", b"\r\n..")
        (reply,) = await self._step(stuffed + END, 1)
        if self._heard:
            self.close()
        return reply

    async def reset(self) -> None:
        """Forget the mail that was refused. A server that does not is left."""
        (reply,) = await self._asked(b"RSET\r\n", 1)
        if reply.refuses:
            self.close()

    async def quit(self) -> None:
        """Say goodbye, briefly, and close."""
        self._timeout_s = QUIT_S
        self._unset()
        try:
            await self.say([b"QUIT\r\n"])
        except LostError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Cut it; what was not sent yet never is."""
        self._unset()
        if self._transport is not None:
            self._transport.abort()
        self._client.close()

    async def _asked(self, data: bytes, replies: int) -> list[Reply]:
        """A step; what is said beyond its replies would be taken for those to the next one."""
        found = await self._step(data, replies)
        if self._heard:
            self.close()
            raise LostError("the server said more than it was asked")
        return found

    async def _step(self, data: bytes, replies: int) -> list[Reply]:
        if self._transport is None or self._transport.is_closing():
            raise LostError("the connection was closed")
        self._replies, self._wanted = [], replies
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        self._transport.write(data)
        self._silent_at = loop.time() + self._timeout_s
        if self._alarm is None:
            self._alarm = loop.call_at(self._silent_at, self._look, loop)
        try:
            await self._waiter
        finally:
            self._waiter = None
        return self._replies

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whether a reply is late. One alarm serves many steps: one for each would cost as much as a mail."""
        self._alarm = None
        if self._waiter is None or self._waiter.done():
            return
        if loop.time() < self._silent_at:
            self._alarm = loop.call_at(self._silent_at, self._look, loop)
        else:
            self._fail(SilentError("no reply in time"))

    def _unset(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    # ---- asyncio.Protocol ----

    def data_received(self, data: bytes) -> None:
        """Read replies. What comes unasked is a farewell."""
        if self._waiter is None or self._waiter.done():
            self.close()
            return
        self._heard += data
        try:
            while len(self._replies) < self._wanted and (reply := self._next()):
                self._replies.append(reply)
        except ValueError:
            self._fail(LostError("what was said is no reply"))
            return
        if len(self._replies) == self._wanted:
            self._waiter.set_result(None)
        elif len(self._heard) > LONGEST_REPLY:
            self._fail(LostError("the reply is too long"))

    def eof_received(self) -> bool:
        """The server says no more."""
        self._over()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Whoever waits need not."""
        self._over()

    def _over(self) -> None:
        """A refusal that was heard tells more than the end that followed it."""
        waits = self._waiter is not None and not self._waiter.done()
        if waits and self._replies and self._replies[-1].refuses:
            cast("asyncio.Future[None]", self._waiter).set_result(None)
        elif waits:
            self._fail(LostError("the connection broke"))

    def _fail(self, error: LostError) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self.close()

    def _next(self) -> Reply | None:
        """Take one whole reply out of what was heard; ValueError when it is none."""
        texts: list[str] = []
        start = 0
        while (end := self._heard.find(b"\n", start)) >= 0:
            line = bytes(self._heard[start:end]).rstrip()
            start = end + 1
            texts.append(line[4:].decode("utf-8", "replace").strip())
            if line[3:4] != b"-":
                del self._heard[:start]
                return Reply(_code(line[:3]), " ".join(texts))
        return None


def _code(digits: bytes) -> int:
    if len(digits) != 3 or not digits.isdigit():  # noqa: PLR2004 - RFC 5321, 4.2
        raise ValueError(digits)
    return int(digits)
