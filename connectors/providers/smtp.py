"""Mail by SMTP: any server that speaks it (NS-CH-001). It takes no idempotency key and cannot be asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPException,
    SMTPNotSupported,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from connectors.providers.dkim import Signatures
from connectors.providers.letter import Sender, letter
from connectors.providers.port import Answer, identifier, scrubbed
from connectors.providers.smtp_config import UNSAFE, smtp_config
from connectors.providers.smtp_pool import PoolExhaustedError, SmtpPool
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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
FIRST_REFUSAL = 400
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class Smtp:
    """Carrier over a pool of connections."""

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = smtp_config(config)
        self._signatures = Signatures(self._config.dkim, self._config.from_address)
        self._sender = Sender(self._config.from_address, self._config.from_name)
        self._now_ms = now_ms
        self._pool = SmtpPool(
            self._client,
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

    def _client(self) -> SMTP:
        config = self._config
        return SMTP(
            hostname=config.host,
            port=config.port,
            username=config.username,
            password=config.password,
            use_tls=config.tls,
            start_tls=config.starttls,
            timeout=config.timeout_ms / 1000,
            local_hostname="carillon",
        )

    async def _deliver(self, address: str, raw: bytes) -> Answer:
        """Try on a kept connection; one that turns out dead before MAIL was answered is replaced once."""
        try:
            async with self._pool.lease() as (client, is_fresh):
                return await self._converse(client, address, raw, is_fresh=is_fresh)
        except _StaleConnectionError:
            async with self._pool.lease() as (client, _):
                client.close()
                return await self._converse(client, address, raw, is_fresh=True)

    async def _converse(self, client: SMTP, address: str, raw: bytes, *, is_fresh: bool) -> Answer:
        if is_fresh and (refused := await _connected(client)):
            return refused
        try:
            await _addressed(client, self._sender.address, address)
        except SMTPServerDisconnected as error:
            if not is_fresh:
                raise _StaleConnectionError from error
            return _unavailable(client, error)
        except SMTPNotSupported:
            return Answer(Verdict.PERMANENT, Reason.INVALID_CONTACT, "the server takes ASCII addresses only")
        except SMTPResponseException as error:
            if error.code == CLOSING and not is_fresh:
                raise _StaleConnectionError from error
            return await _refused(client, error, address)
        except (SMTPException, OSError) as error:
            return _unavailable(client, error)
        return await _handed_over(client, raw, address)


class _StaleConnectionError(Exception):
    """A kept connection was dead already; nothing of the message was written."""


async def _connected(client: SMTP) -> Answer | None:
    """Connect, secure, log in. None when the connection is ready."""
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
    except SMTPResponseException as error:
        answer = _read(error, "")
        if answer.verdict is Verdict.PERMANENT:  # the greeting, HELO or login refuses us, not a message
            answer = Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, answer.detail)
        client.close()
        return answer
    except (SMTPConnectError, SMTPTimeoutError, SMTPServerDisconnected, OSError) as error:
        return _unavailable(client, error)
    except SMTPException as error:  # no STARTTLS, no common login mechanism
        client.close()
        return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, scrubbed(str(error)))
    return None


async def _addressed(client: SMTP, sender: str, address: str) -> None:
    if address.isascii():
        await client.mail(sender)
        await client.rcpt(address)
        return
    if not client.supports_extension("smtputf8"):
        raise SMTPNotSupported("SMTPUTF8")
    await client.mail(sender, options=["SMTPUTF8"], encoding="utf-8")
    await client.rcpt(address, encoding="utf-8")


async def _handed_over(client: SMTP, raw: bytes, address: str) -> Answer:
    """DATA and the body. Without an answer to it nobody knows whether the server has taken the mail."""
    try:
        response = await client.data(raw)
    except (SMTPException, OSError) as error:
        if isinstance(error, SMTPResponseException) and error.code >= FIRST_REFUSAL:
            return await _refused(client, error, address)
        client.close()
        return Answer(Verdict.HIDDEN, Reason.ANSWER_HIDDEN, type(error).__name__)
    return Answer(
        Verdict.ACCEPTED,
        detail=scrubbed(f"{response.code} {response.message}", address),
        provider_message_id=_queue_id(response.message),
    )


async def _refused(client: SMTP, error: SMTPResponseException, address: str) -> Answer:
    """Read the refusal and make the connection fit for the next mail."""
    answer = _read(error, address)
    is_ours = isinstance(error, SMTPSenderRefused) and error.code != TOO_BIG
    if is_ours and answer.verdict is Verdict.PERMANENT:
        answer = Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, answer.detail)
    try:
        await client.rset()
    except (SMTPException, OSError):
        client.close()
    return answer


def _read(error: SMTPResponseException, address: str) -> Answer:
    code = str(error.code)
    enhanced = _ENHANCED.match(error.message)
    keys = (enhanced[1] if enhanced else "", code, code[:1], "4")
    verdict, reason = next(CODES[key] for key in keys if key in CODES)
    return Answer(verdict, reason, scrubbed(f"{code} {error.message}", address))


def _unavailable(client: SMTP, error: Exception) -> Answer:
    client.close()
    return Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, type(error).__name__)


def _queue_id(message: str) -> str | None:
    """Take the id out of `… queued as <id>`, the usual form of the last reply."""
    found = re.search(r"queued as (\S+)", message)
    return identifier(found[1]) if found else None
