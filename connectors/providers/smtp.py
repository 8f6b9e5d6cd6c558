"""Mail by SMTP: any server that speaks it (NS-CH-001). It takes no idempotency key and cannot be asked."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from connectors.providers.dkim import Signatures
from connectors.providers.letter import Sender, letter
from connectors.providers.port import Answer, identifier, scrubbed
from connectors.providers.smtp_config import UNSAFE, smtp_config
from connectors.providers.smtp_line import Line, LostError, Reply, SilentError
from connectors.providers.smtp_pool import PoolExhaustedError, SmtpPool
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from schemas.records import Content

# Reply codes (RFC 5321, RFC 4954) and enhanced codes (RFC 3463, RFC 7372). The enhanced code wins; a code
# that is not in the table is read by its first digit.
CODES: dict[str, tuple[Verdict, Reason]] = {
    "4": (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
    "5": (Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
    "454": (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
    "530": (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    "534": (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    "535": (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    "538": (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    "4.7.28": (Verdict.LIMITED, Reason.PROVIDER_LIMITED),
    "5.7.8": (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    "5.7.9": (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
    "5.7.14": (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
}

# Feedback words of the vendor → ours. SMTP sends none: bounces come back as mail, which nobody reads here.
EVENTS: dict[str, str] = {}

CLOSING = 421
TOO_BIG = 552
TAKEN, GO_AHEAD = 2, 3
GOES_ON = (TAKEN, TAKEN, GO_AHEAD)
"""First digits of the replies to MAIL, RCPT and DATA with which a mail goes on."""
MAIL = 0
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class Smtp:
    """Carrier over a pool of connections."""

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = smtp_config(config)
        self._signatures = Signatures(self._config.dkim, self._config.from_address)
        self._sender = Sender(self._config.from_address, self._config.from_name)
        self._now_ms = now_ms
        self._pool = SmtpPool(
            self._line,
            connections=self._config.connections,
            idle_s=self._config.idle_ms / 1000,
            wait_s=self._config.timeout_ms / 1000,
        )

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer:
        """Hand over one mail."""
        if UNSAFE.search(address) or address.count("@") != 1:
            return Answer(Verdict.PERMANENT, Reason.INVALID_CONTACT, "no mail address")
        at = self._now_ms()
        raw = await self._signatures.added(letter(self._sender, address, content, idempotency_key, at), at)
        try:
            return await self._deliver(address, raw)
        except PoolExhaustedError:
            return Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, "every connection is busy")

    async def ask(self, idempotency_key: str) -> Answer:  # noqa: ARG002 - the port's shape
        """SMTP has no question for this."""
        return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, "SMTP servers cannot be asked")

    async def close(self) -> None:
        """Close the idle connections."""
        await self._pool.close()

    def _line(self) -> Line:
        config = self._config
        client = SMTP(
            hostname=config.host,
            port=config.port,
            username=config.username,
            password=config.password,
            use_tls=config.tls,
            start_tls=config.starttls,
            timeout=config.timeout_ms / 1000,
            local_hostname="carillon",
        )
        return Line(client, config.timeout_ms / 1000)

    async def _deliver(self, address: str, raw: bytes) -> Answer:
        """Try on a kept connection; one that turns out dead before the body was begun is replaced once."""
        try:
            async with self._pool.lease() as line:
                return await self._converse(line, address, raw)
        except _StaleConnectionError:
            async with self._pool.lease(fresh=True) as line:
                return await self._converse(line, address, raw)

    async def _converse(self, line: Line, address: str, raw: bytes) -> Answer:
        is_kept = line.is_open
        if not is_kept and (refused := await _opened(line)):
            return refused
        if not address.isascii() and not line.takes("smtputf8"):
            return Answer(Verdict.PERMANENT, Reason.INVALID_CONTACT, "the server takes ASCII addresses only")
        try:
            replies = await line.say(_envelope(self._sender.address, address))
        except LostError as error:
            if is_kept and not isinstance(error, SilentError):
                raise _StaleConnectionError from error
            return _unavailable(line, error)
        refusal = _first_refusal(replies)
        if refusal is None:
            return await _handed_over(line, raw, address)
        if is_kept and replies[refusal].code == CLOSING:
            raise _StaleConnectionError
        return await _refused(line, replies, refusal, address)


class _StaleConnectionError(Exception):
    """A kept connection was dead already; nothing of the message was written."""


async def _opened(line: Line) -> Answer | None:
    """Connect, secure, log in. None when the connection is ready."""
    try:
        await line.open()
    except SMTPResponseException as error:
        answer = _read(Reply(error.code, error.message), "")
        if answer.verdict is Verdict.PERMANENT:  # the greeting, HELO or login refuses us, not a message
            answer = Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, answer.detail)
        line.close()
        return answer
    except (SMTPConnectError, SMTPTimeoutError, SMTPServerDisconnected, OSError) as error:
        return _unavailable(line, error)
    except SMTPException as error:  # no STARTTLS, no common login mechanism
        line.close()
        return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, scrubbed(str(error)))
    return None


def _envelope(sender: str, address: str) -> list[bytes]:
    """Who writes to whom, and that the body follows."""
    option = "" if address.isascii() else " SMTPUTF8"
    return [f"MAIL FROM:<{sender}>{option}\r\n".encode(), f"RCPT TO:<{address}>\r\n".encode(), b"DATA\r\n"]


def _first_refusal(replies: Sequence[Reply]) -> int | None:
    """The place of the first command whose reply is not the one that goes on."""
    asked = enumerate(zip(replies, GOES_ON, strict=False))
    return next((place for place, (reply, goes_on) in asked if reply.code // 100 != goes_on), None)


async def _handed_over(line: Line, raw: bytes, address: str) -> Answer:
    """The body. Without an answer to it nobody knows whether the server has taken the mail."""
    try:
        reply = await line.say_mail(raw)
    except LostError as error:
        return _hidden(line, str(error))
    if reply.refuses:
        return await _refused(line, [reply], None, address)
    if reply.code // 100 != TAKEN:
        return _hidden(line, f"the server said {reply.code}")
    return Answer(
        Verdict.ACCEPTED,
        detail=scrubbed(f"{reply.code} {reply.text}", address),
        provider_message_id=_queue_id(reply.text),
    )


async def _refused(line: Line, replies: Sequence[Reply], place: int | None, address: str) -> Answer:
    """Read the refusal, to the command at `place`, and make the connection fit for the next mail."""
    refusal = replies[place or 0]
    answer = _read(refusal, address)
    if place == MAIL and refusal.code != TOO_BIG and answer.verdict is Verdict.PERMANENT:
        answer = Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, answer.detail)
    if replies[-1].code // 100 == GO_AHEAD:  # it waits for a body that nobody is to get
        line.close()
        return answer
    with suppress(LostError):  # which closes it
        await line.reset()
    return answer


def _read(reply: Reply, address: str) -> Answer:
    code = str(reply.code)
    enhanced = _ENHANCED.match(reply.text)
    keys = (enhanced[1] if enhanced else "", code, code[:1], "4")
    verdict, reason = next(CODES[key] for key in keys if key in CODES)
    return Answer(verdict, reason, scrubbed(f"{code} {reply.text}", address))


def _unavailable(line: Line, error: Exception) -> Answer:
    line.close()
    detail = str(error) if isinstance(error, LostError) else type(error).__name__
    return Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, detail)


def _hidden(line: Line, detail: str) -> Answer:
    line.close()
    return Answer(Verdict.HIDDEN, Reason.ANSWER_HIDDEN, detail)


def _queue_id(message: str) -> str | None:
    """Take the id out of `… queued as <id>`, the usual form of the last reply."""
    found = re.search(r"queued as (\S+)", message)
    return identifier(found[1]) if found else None
