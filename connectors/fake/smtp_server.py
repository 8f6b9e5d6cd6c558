"""The fake provider's SMTP side: a real SMTP server that judges each mail when its body has arrived."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from connectors.fake.judge import End, Word
from connectors.fake.mail_call import mail_call

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session

    from connectors.fake.desk import Desk

# What SMTP says for each word of the desk.
REPLIES: dict[Word, str] = {
    Word.ACCEPTED: "250 2.0.0 Ok: queued as {id}",
    Word.DELIVERED: "250 2.0.0 Ok: queued as {id}",
    Word.INVALID_RECIPIENT: "550 5.1.1 No such mailbox",
    Word.UNREGISTERED: "550 5.1.6 Mailbox has moved",
    Word.REJECTED: "554 5.7.1 Message refused",
    Word.RATE_LIMITED: "450 4.7.28 Too many messages, try again later",
    Word.UNAVAILABLE: "451 4.3.0 Try again later",
    Word.UNAUTHORIZED: "535 5.7.8 Credentials are not valid",
    Word.BAD_REQUEST: "554 5.6.0 Message is malformed",
    Word.SILENT: "421 4.3.0 Closing",
}


class MailDesk:
    """Hooks of aiosmtpd; one for all connections. `credentials`: user and password, None lets anyone in."""

    def __init__(self, desk: Desk, hang_s: float, credentials: tuple[str, str] | None) -> None:
        self._desk = desk
        self._hang_s = hang_s
        self._credentials = credentials
        self._connections: set[_Connection] = set()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Start listening on the running loop; port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Connection(self, self._connections, loop), host, port)

    def cut(self) -> None:
        """Cut every open connection."""
        for connection in list(self._connections):
            connection.cut()

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        """Check a login."""
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == self._credentials, handled=False, auth_data=given and given[0])

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds hooks by name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse those who should have logged in."""
        if self._credentials is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Judge one mail for its first recipient."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        call = mail_call(envelope.rcpt_tos[0], raw, _account(session))
        reaction, line = self._desk.take(call, honours_keys=False)
        if reaction.taken:
            self._desk.keep(line, raw)
        if reaction.wait_ms:
            await asyncio.sleep(reaction.wait_ms / 1000)
        if reaction.end is End.HANG:
            await asyncio.sleep(self._hang_s)
        if reaction.end is not End.ANSWER and server.transport is not None:
            server.transport.abort()  # type: ignore[attr-defined]
        return REPLIES[reaction.word].format(id=line.provider_message_id)


class _Connection(SMTP):
    """A connection that can be cut from outside."""

    def __init__(
        self, mails: MailDesk, connections: set[_Connection], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            mails,
            hostname="fake.carillon.test",
            ident="Carillon fake provider",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=mails.authenticate,
            loop=loop,
        )
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.close()


def _account(session: Any) -> str:
    return str(session.auth_data) if session.authenticated else "smtp"
