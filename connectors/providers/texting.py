"""What carriers of text messages over HTTP share: the phone, the call, and answers without a known word."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from connectors.providers.endpoint import endpoint
from connectors.providers.http_call import HttpCalls, Reply, retry_after_ms
from connectors.providers.http_status import MISCONFIGURED, Said, verdict_of
from connectors.providers.port import Answer, Positive, Secretive, scrubbed
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content

NO_PHONE: Said = (Verdict.PERMANENT, Reason.INVALID_CONTACT)
LIMITED_TODAY: Said = (Verdict.TEMPORARY, Reason.PROVIDER_LIMITED)
"""A limit of one phone and one day: a reserve provider may deliver at once, so the message moves on."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
KEY_IN_URL = "key"
PHONE = re.compile(r"\+[1-9]\d{6,14}")


class Posted(msgspec.Struct, frozen=True):
    """One request: a path below the vendor's address, and a body with its headers."""

    path: str
    body: bytes
    headers: dict[str, str]


class TextConfig(Secretive, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a vendor is, and the most of time (ms) and of connections that its calls take."""

    url: str
    timeout_ms: Positive = 10_000
    connections: Positive = 100


class TextCarrier:
    """A carrier of texts. A vendor says what is posted (`_posted`) and what its answer means (`_read`).

    Our key goes along as the header `Idempotency-Key` to every vendor. None of these documents it: it is for
    the vendor's logs and for our fakes. What a vendor does take is said in its own class.

    `secrets`: what must not stand in a detail, should the vendor repeat it.
    """

    secrets: tuple[str | None, ...] = ()

    def __init__(self, config: TextConfig, headers: Mapping[str, str], now_ms: Callable[[], int]) -> None:
        self._url = endpoint(config.url)
        self._calls = HttpCalls(headers, timeout_ms=config.timeout_ms, connections=config.connections)
        self._now_ms = now_ms

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer:
        """Hand over one text. Only one phone in full passes: vendors take lists, groups and names too."""
        if not PHONE.fullmatch(address):
            return Answer(*NO_PHONE, "no phone number")
        posted = self._posted(address, content, idempotency_key)
        headers = {**posted.headers, "Idempotency-Key": idempotency_key}
        reply = await self._calls.post(self._url + posted.path, posted.body, headers)
        return reply if isinstance(reply, Answer) else self._read(reply, address)

    async def ask(self, idempotency_key: str) -> Answer:  # noqa: ARG002 - the port's shape
        """Vendors of texts answer by their own id, or by id and phone, and a question here has neither."""
        return Answer(*MISCONFIGURED, "this vendor cannot be asked by key")

    async def close(self) -> None:
        """Close the session."""
        await self._calls.close()

    def _posted(self, address: str, content: Content, idempotency_key: str) -> Posted:
        raise NotImplementedError

    def _read(self, reply: Reply, address: str) -> Answer:
        raise NotImplementedError

    def _told(self, reply: Reply, code: str, text: Any, address: str) -> str:
        """What the vendor said, fit for rows and logs. Code and status apart, or they look like a phone."""
        said = f": {text}" if isinstance(text, str) and text else ""
        return scrubbed(f"HTTP {reply.status}, code {code or 'none'}{said}", address, self.secrets)

    def _wait_ms(self, reply: Reply) -> int | None:
        """When to come back."""
        return retry_after_ms(reply.retry_after, self._now_ms())


def by_status(reply: Reply) -> Said:
    """Read an answer that has no word we know."""
    return verdict_of(reply.status, reply.retry_after)


def basic(user: str, secret: str) -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": f"Basic {b64encode(f'{user}:{secret}'.encode()).decode()}"}


def with_key(status_url: str | None, idempotency_key: str) -> str | None:
    """Where a vendor is to report what becomes of one text: our key stands in the address."""
    if status_url is None:
        return None
    return f"{status_url}{'&' if '?' in status_url else '?'}{KEY_IN_URL}={quote(idempotency_key, safe='')}"


def form(fields: Mapping[str, str | None]) -> bytes:
    """Encode a form in UTF-8; None leaves a field out."""
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def word(value: Any) -> str:
    """A code of a vendor as it stands in our tables: numbers and texts alike, nothing for anything else."""
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
