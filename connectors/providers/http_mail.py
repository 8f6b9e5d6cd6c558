"""What vendors that take mail over HTTP share: checks, one call, one table of words, an answer.

None of them takes an idempotency key, nor can be asked about ours: after a hidden answer a repeat may be a
second mail. The key rides in the mail's headers, and `Message-ID` names the message, so that mailboxes may
recognise the repeat.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.providers.endpoint import endpoint
from connectors.providers.http_call import HttpCalls, Reply, retry_after_ms
from connectors.providers.http_status import ACCEPTED, Said, verdict_of
from connectors.providers.letter import Sender
from connectors.providers.port import (
    Answer,
    Positive,
    ProviderConfigError,
    Secretive,
    identifier,
    in_headers,
    scrubbed,
)
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content

OK = 2
_ADDRESS = re.compile(r"[!-~]+@[!-~]+")
_SEPARATORS = re.compile(r'[<>()\[\],;:"\\]')


class MailConfig(Secretive, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who writes, and where the vendor is: `url` empty is its public address. Times in ms."""

    from_address: str
    from_name: str = ""
    url: str = ""
    timeout_ms: Positive = 10_000
    connections: Positive = 100


class Request(NamedTuple):
    """One mail in the vendor's form."""

    url: str
    body: bytes
    headers: dict[str, str]


class HttpMail:
    """A carrier; a vendor's own is `codes` and the methods that raise `NotImplementedError` here.

    `secrets`: what must not stand in a detail, should the vendor repeat it. The order in which an answer is
    looked up in `codes`: the vendor's word, the HTTP status; then an id is a yes; and then `http_status`.
    """

    codes: Mapping[str, Said] = {}

    def __init__(
        self, config: MailConfig, public_url: str, headers: Mapping[str, str], now_ms: Callable[[], int]
    ) -> None:
        if not is_mailbox(config.from_address):
            raise ProviderConfigError("config: from_address must be one ASCII mail address")
        in_headers(*headers.values())
        self._url = endpoint(config.url or public_url)
        self._sender = Sender(config.from_address, config.from_name)
        self._now_ms = now_ms
        self._secrets: tuple[str | None, ...] = ()
        self._calls = HttpCalls(headers, timeout_ms=config.timeout_ms, connections=config.connections)

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer:
        """Hand over one mail."""
        if not is_mailbox(address):
            return Answer(Verdict.PERMANENT, Reason.INVALID_CONTACT, "no mail address that this vendor takes")
        request = self._request(address, content, idempotency_key)
        reply = await self._calls.post(request.url, request.body, request.headers)
        return reply if isinstance(reply, Answer) else self._read(reply, address)

    async def ask(self, idempotency_key: str) -> Answer:  # noqa: ARG002 - the port's shape
        """These vendors know nothing of our keys."""
        detail = "this vendor cannot be asked"
        return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, detail)

    async def close(self) -> None:
        """Close the session."""
        await self._calls.close()

    def _request(self, address: str, content: Content, idempotency_key: str) -> Request:
        raise NotImplementedError

    def _word(self, reply: Reply) -> str:
        """The vendor's word for a refusal; empty if there is none."""
        raise NotImplementedError

    def _told(self, reply: Reply) -> str:
        """What the vendor says to people."""
        raise NotImplementedError

    def _id(self, reply: Reply) -> object:
        """The vendor's id of a mail that it took."""
        raise NotImplementedError

    def _wait_ms(self, reply: Reply) -> int | None:
        """When to come back."""
        return retry_after_ms(reply.retry_after, self._now_ms())

    def _read(self, reply: Reply, address: str) -> Answer:
        word = self._word(reply)
        mail_id = identifier(self._id(reply)) if reply.status // 100 == OK else None
        found = self.codes.get(word) or self.codes.get(str(reply.status)) or (ACCEPTED if mail_id else None)
        verdict, reason = found or verdict_of(reply.status, reply.retry_after)
        text = " ".join(part for part in (str(reply.status), word, self._told(reply)) if part)
        return Answer(
            verdict,
            reason,
            scrubbed(text, address, self._secrets),
            mail_id if verdict is Verdict.ACCEPTED else None,
            self._wait_ms(reply),
        )


def is_mailbox(address: str) -> bool:
    """Whether it is one address in ASCII: a separator could make it two, and no vendor here takes UTF-8."""
    return bool(_ADDRESS.fullmatch(address)) and address.count("@") == 1 and not _SEPARATORS.search(address)


def text_in(body: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds text."""
    return next((body[name] for name in names if isinstance(body.get(name), str)), "")
