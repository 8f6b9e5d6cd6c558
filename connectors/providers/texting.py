"""What carriers of text messages over HTTP share: the phone, the call, and answers without a known word."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from connectors.providers import http_status
from connectors.providers.endpoint import endpoint
from connectors.providers.http_call import HttpCalls, Reply
from connectors.providers.port import Answer, scrubbed
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import Content

Said = tuple[Verdict, Reason | None]

ACCEPTED: Said = (Verdict.ACCEPTED, None)
REFUSED: Said = (Verdict.PERMANENT, Reason.PROVIDER_REFUSED)
NO_PHONE: Said = (Verdict.PERMANENT, Reason.INVALID_CONTACT)
LIMITED: Said = (Verdict.LIMITED, Reason.PROVIDER_LIMITED)
LIMITED_TODAY: Said = (Verdict.TEMPORARY, Reason.PROVIDER_LIMITED)
"""A limit of one phone and one day: a reserve provider may deliver at once, so the message moves on."""
UNAVAILABLE: Said = (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE)
MISCONFIGURED: Said = (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED)
"""Credentials, sender, balance: ours to repair, and another provider may deliver."""
NOT_SERVED: Said = (Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED)
"""A country that our account may not send to: so is this, and it says nothing of other phones."""
HIDDEN: Said = (Verdict.HIDDEN, Reason.ANSWER_HIDDEN)

# An answer without a word we know: as for every vendor, but a 200 that is no JSON says neither yes nor no. A
# 503 is no "not taken" unless it says when to come back: a text may have gone out behind a gateway.
STATUSES: dict[int, Said] = {**http_status.STATUSES, 2: HIDDEN, 402: MISCONFIGURED, 503: HIDDEN}

SERVICE_UNAVAILABLE = 503

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PHONE = re.compile(r"\+[1-9]\d{6,14}")


class Posted(msgspec.Struct, frozen=True):
    """One request: a path below the vendor's address, and a body with its headers."""

    path: str
    body: bytes
    headers: dict[str, str]


class TextCarrier:
    """A carrier of texts. A vendor says what is posted (`_posted`) and what its answer means (`_read`).

    Our key goes along as the header `Idempotency-Key` to every vendor. None of these documents it: it is for
    the vendor's logs and for our fakes. What a vendor does take is said in its own class.
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, timeout_ms: int, connections: int) -> None:
        self._url = endpoint(url)
        self._calls = HttpCalls(headers, timeout_ms=timeout_ms, connections=connections)

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


def by_status(reply: Reply) -> Said:
    """Read an answer that has no word we know. A 503 that says when to come back turned the request away."""
    if reply.status == SERVICE_UNAVAILABLE and reply.retry_after:
        return UNAVAILABLE
    return STATUSES.get(reply.status) or STATUSES.get(reply.status // 100, HIDDEN)


def basic(user: str, secret: str) -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": f"Basic {b64encode(f'{user}:{secret}'.encode()).decode()}"}


def form(fields: Mapping[str, str | None]) -> bytes:
    """Encode a form in UTF-8; None leaves a field out."""
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def word(value: Any) -> str:
    """A code of a vendor as it stands in our tables: numbers and texts alike, nothing for anything else."""
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def told(status: int, code: str, text: Any, address: str) -> str:
    """What the vendor said, fit for rows and logs. Code and status stand apart, or they look like a phone."""
    said = f": {text}" if isinstance(text, str) and text else ""
    return scrubbed(f"HTTP {status}, code {code or 'none'}{said}", address)
