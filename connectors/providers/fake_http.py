"""SMS and push through the project's own fake provider (`connectors.fake`): a vendor like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.providers import http_status
from connectors.providers.http_call import HttpCalls, Reply, retry_after_ms
from connectors.providers.http_status import (
    ACCEPTED,
    HIDDEN,
    LIMITED,
    MISCONFIGURED,
    REFUSED,
    UNAVAILABLE,
    Said,
)
from connectors.providers.port import (
    Answer,
    Positive,
    Secretive,
    configured,
    identifier,
    message_id_of,
    scrubbed,
)
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content

# The vendor's words (field `status` of an answer, `error` of a refusal) → ours.
CODES: dict[str, Said] = {
    "accepted": ACCEPTED,
    "delivered": (Verdict.DELIVERED, None),
    "invalid_recipient": REFUSED,
    "unregistered": (Verdict.PERMANENT, Reason.UNREGISTERED_DEVICE),
    "rejected": REFUSED,
    "rate_limited": LIMITED,
    "unavailable": UNAVAILABLE,
    "unauthorized": MISCONFIGURED,
    "bad_request": REFUSED,
    "unknown_key": REFUSED,
}

# Feedback words of the vendor → our statuses.
EVENTS: dict[str, str] = {"delivered": "delivered", "undelivered": "failed", "opened": "opened"}

# For answers without a known word: as for every vendor, but this one honours keys: a repeat is no second
# message. A gateway's time-out says nothing.
_OURS: dict[int, Said] = {2: ACCEPTED, 5: UNAVAILABLE, 503: UNAVAILABLE, 504: HIDDEN}
STATUSES: dict[int, Said] = {**http_status.STATUSES, **_OURS}


class FakeConfig(Secretive, frozen=True, forbid_unknown_fields=True):
    """Where the fake provider is. `account`: how its scripts and ledger call us; by default our own name."""

    url: str
    account: str | None = None
    api_key: str | None = None
    sender: str | None = None
    timeout_ms: Positive = 10_000
    connections: Positive = 100


class _FakeHttp:
    """What both channels share: headers, one call, one table."""

    path = ""

    def __init__(self, name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = configured(config, FakeConfig)
        self._url = self._config.url.rstrip("/")
        self._now_ms = now_ms
        headers = {"Fake-Account": self._config.account or name}
        if self._config.api_key:
            headers["Authorization"] = f"Bearer {self._config.api_key}"
        self._calls = HttpCalls(
            headers, timeout_ms=self._config.timeout_ms, connections=self._config.connections
        )

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer:
        """Hand over one message; the vendor answers a repeated key as it answered the first time."""
        body = {"to": address, "message_id": message_id_of(idempotency_key), **self._fields(content)}
        reply = await self._calls.post(self._url + self.path, body, {"Idempotency-Key": idempotency_key})
        return reply if isinstance(reply, Answer) else _read(reply, address, self._now_ms())

    async def ask(self, idempotency_key: str) -> Answer:
        """Look the key up in the vendor's ledger."""
        reply = await self._calls.get(f"{self._url}/status/{quote(idempotency_key, safe='')}")
        answer = reply if isinstance(reply, Answer) else _read(reply, "", self._now_ms())
        if answer.verdict is Verdict.HIDDEN:  # nothing was sent by asking: ask again
            return Answer(Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, answer.detail)
        return answer

    async def close(self) -> None:
        """Close the session."""
        await self._calls.close()

    def _fields(self, content: Content) -> dict[str, Any]:
        raise NotImplementedError


class FakeSms(_FakeHttp):
    """SMS: one text."""

    path = "/sms"

    def _fields(self, content: Content) -> dict[str, Any]:
        return {"text": content.body, "from": self._config.sender}


class FakePush(_FakeHttp):
    """Push: title and body to one device token."""

    path = "/push"

    def _fields(self, content: Content) -> dict[str, Any]:
        return {"title": content.title or content.subject, "body": content.body}


def _read(reply: Reply, address: str, now: int) -> Answer:
    word = str(reply.body.get("error") or reply.body.get("status") or "")
    by_status = STATUSES.get(reply.status) or STATUSES.get(reply.status // 100, STATUSES[5])
    verdict, reason = CODES.get(word, by_status)
    return Answer(
        verdict,
        reason,
        scrubbed(f"{reply.status} {word}", address),
        identifier(reply.body.get("id")),
        retry_after_ms(reply.retry_after, now),
    )
