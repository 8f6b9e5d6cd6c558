"""Push by Firebase Cloud Messaging, HTTP v1: `POST /v1/projects/<id>/messages:send` (NS-CH-002, NS-CH-OP-07).

Never run against the real vendor. Sources: Firebase's pages "REST Resource: projects.messages" (fields),
"ErrorCode" and "REST error codes for the HTTP v1 API" (refusals and their examples), and
github.com/firebase/firebase-admin-python: `messaging.py` (which words stand where, and that a `name` is the
yes) and `_messaging_utils.py` (what each of these words is about). Samples of answers: the page "FCM
responses" of bloomberg/pushiko; of the project's quota: issue 719 of firebase/firebase-admin-go.

Unconfirmed: whether `QUOTA_EXCEEDED` can also mean the project, as one sentence of its page says: then each
push waits by itself and the account is called on. Which quota it was a `QuotaFailure` may say, in a form that
is written nowhere. Whether a 500 (`INTERNAL`) can follow a message that was taken, so it is read as hidden;
whether a 404 without `UNREGISTERED` can be about the token: it is read as our configuration, and no device
goes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from msgspec import Meta
from yarl import URL

from connectors.providers.access_tokens import AccessTokens, service_account
from connectors.providers.endpoint import endpoint
from connectors.providers.fcm_message import LARGEST_BYTES, fcm_message, size_of
from connectors.providers.http_call import HttpCalls, Reply, retry_after_ms
from connectors.providers.http_status import (
    ACCEPTED,
    HIDDEN,
    LIMITED,
    LIMITED_FOR_ONE,
    MISCONFIGURED,
    NOT_SERVED,
    REFUSED,
    UNAVAILABLE,
    Said,
    verdict_of,
)
from connectors.providers.port import (
    Answer,
    Positive,
    ProviderConfigError,
    Secretive,
    configured,
    identifier,
    in_headers,
    scrubbed,
)
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content

PUBLIC_URL = "https://fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
DEAD_TOKEN = "INVALID_ARGUMENT message.token"  # noqa: S105 - a word of ours for two forms of one refusal
DEAD_TOKEN_SENTENCE = "The registration token is not a valid FCM registration token"  # noqa: S105 - see above
UNAUTHENTICATED = "UNAUTHENTICATED"
OK = 200
LIMIT_LASTS_MS = 60_000
"""How long the vendor asks to stay away when a 429 does not say it."""

# `errorCode` of an answer's details, else its `status` → ours. Only the first two are about the device.
CODES: dict[str, Said] = {
    "UNREGISTERED": (Verdict.PERMANENT, Reason.UNREGISTERED_DEVICE),
    DEAD_TOKEN: (Verdict.PERMANENT, Reason.UNREGISTERED_DEVICE),
    "INVALID_ARGUMENT": REFUSED,
    "SENDER_ID_MISMATCH": NOT_SERVED,  # of another project
    "THIRD_PARTY_AUTH_ERROR": MISCONFIGURED,  # APNs key, VAPID key
    "APNS_AUTH_ERROR": MISCONFIGURED,  # the name before that
    "PERMISSION_DENIED": MISCONFIGURED,
    "NOT_FOUND": MISCONFIGURED,
    UNAUTHENTICATED: MISCONFIGURED,
    "QUOTA_EXCEEDED": LIMITED_FOR_ONE,  # "sending limit exceeded for the message target"
    "RESOURCE_EXHAUSTED": LIMITED,  # the project's quota, without a word of the vendor's own list
    "UNAVAILABLE": UNAVAILABLE,
    "INTERNAL": HIDDEN,
    "DEADLINE_EXCEEDED": HIDDEN,
}

# The vendor calls nobody back; `delivered` and `opened` come from clients (NS-CH-OP-06).
EVENTS: dict[str, str] = {}


class FcmConfig(Secretive, frozen=True, forbid_unknown_fields=True):
    """Whose project it is. `service_account`: the text of the account's file, as `service_account_file`.

    `project_id`: by default the account's. `url`: of an emulator; only there a `server_key` may stand in the
    place of the account (NS-CH-OP-07). `ttl_s`: how long the vendor keeps what a device cannot get now.
    """

    service_account: str | None = None
    project_id: str = ""
    server_key: str | None = None
    url: str = ""
    ttl_s: Annotated[int, Meta(ge=0, le=2_419_200)] = 86_400
    timeout_ms: Positive = 10_000
    connections: Positive = 100


class Fcm:
    """Carrier. The vendor takes no idempotency key and cannot be asked.

    Ours goes along in `data` as `carillon_key`, and the message id as `carillon_message_id`: receipts name it
    (docs/clients.md). It is also the tag of what is shown: a repeat takes the place of the first.
    """

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = given = configured(config, FcmConfig)
        self._now_ms = now_ms
        self._calls = HttpCalls({}, timeout_ms=given.timeout_ms, connections=given.connections)
        in_headers(given.server_key or "")
        self._tokens: AccessTokens | None = None
        project_id = given.project_id
        if given.service_account is not None:
            account = service_account(given.service_account)
            self._tokens = AccessTokens(account, SCOPE, self._calls, now_ms)
            project_id = project_id or account.project_id
        elif given.server_key is None or not given.url or endpoint(given.url) == PUBLIC_URL:
            raise ProviderConfigError("config: service_account is needed; server_key is for emulators")
        if not project_id:
            raise ProviderConfigError("config: project_id is needed, here or in the service account")
        base = endpoint(given.url or PUBLIC_URL)
        self._url = URL(f"{base}/v1/projects/{quote(project_id, safe='')}/messages:send")

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer:
        """Hand over one push. An access token that is refused is renewed once: nothing was taken."""
        if address.startswith("{"):
            return Answer(*CODES["SENDER_ID_MISMATCH"], "the token is a subscription of Web Push")
        message = fcm_message(address, content, idempotency_key, (self._config.ttl_s, self._now_ms()))
        if (size := size_of(message)) > LARGEST_BYTES:
            return Answer(*REFUSED, f"{size} bytes; it takes {LARGEST_BYTES}")
        body = {"message": message}
        while True:
            token = await self._tokens.get() if self._tokens else f"key={self._config.server_key}"
            if isinstance(token, Answer):
                return token
            authorization = f"Bearer {token}" if self._tokens else token
            reply = await self._calls.post(self._url, body, {"Authorization": authorization})
            if isinstance(reply, Answer):
                return reply
            if self._tokens is None or _word(reply) != UNAUTHENTICATED or not self._tokens.forget(token):
                return _read(reply, address, self._now_ms())

    async def ask(self, idempotency_key: str) -> Answer:  # noqa: ARG002 - the port's shape
        """It has no question for this."""
        return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, "FCM cannot be asked")

    async def close(self) -> None:
        """Close the session."""
        if self._tokens is not None:
            await self._tokens.close()
        await self._calls.close()


def _read(reply: Reply, address: str, now: int) -> Answer:
    name = _name(reply)
    if name and "error" not in reply.body:
        return Answer(*ACCEPTED, str(reply.status), name)
    word = _word(reply)
    said = CODES.get(word) or (ACCEPTED if name else None)
    verdict, reason = said or verdict_of(reply.status, reply.retry_after)
    wait_ms = retry_after_ms(reply.retry_after, now)
    if verdict is Verdict.LIMITED and wait_ms is None:
        wait_ms = LIMIT_LASTS_MS
    return Answer(
        verdict,
        reason,
        scrubbed(" ".join(part for part in (str(reply.status), word, _told(reply)) if part), address),
        name if verdict is Verdict.ACCEPTED else None,
        wait_ms,
    )


def _name(reply: Reply) -> str | None:
    """The vendor's id of a message that it took, and the only sign of a yes."""
    name = reply.body.get("name")
    return identifier(name.rpartition("/")[2]) if reply.status == OK and isinstance(name, str) else None


def _word(reply: Reply) -> str:
    """The most exact word of a refusal; empty if there is none."""
    error = _error(reply)
    codes = (detail.get("errorCode") for detail in _details(error))
    word = next((code for code in codes if isinstance(code, str) and code in CODES), error.get("status"))
    if word == "INVALID_ARGUMENT" and _is_about_token(error):
        return DEAD_TOKEN
    return word if isinstance(word, str) else ""


def _is_about_token(error: Mapping[str, Any]) -> bool:
    """Two forms are documented: a violation of the field, and a sentence that comes without one."""
    for detail in _details(error):
        violations = detail.get("fieldViolations")
        for one in violations if isinstance(violations, list) else ():
            if isinstance(one, dict) and one.get("field") == "message.token":
                return True
    return error.get("message") == DEAD_TOKEN_SENTENCE


def _told(reply: Reply) -> str:
    told = _error(reply).get("message")
    return re.sub(r"\s+", " ", told) if isinstance(told, str) else ""


def _error(reply: Reply) -> dict[str, Any]:
    error = reply.body.get("error")
    return error if isinstance(error, dict) else {}


def _details(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = error.get("details")
    return [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
