"""`/api/v1/notifications/webhooks/{channel}/{provider}`: what a provider reports (NS-CH-OP-01).

The signature is verified and the body kept as it came, durably, before the answer. What it says is read by
the intake, so a body that nobody understands is not lost, and the provider never waits for more than Kafka.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from connectors.http.access import WEBHOOK
from connectors.http.bodies import whole
from connectors.http.certificates import CertificateBook
from connectors.http.operation import ANY_TEXT, Answer, Body, Header, Operation, Variable
from connectors.http.ports import BrokerUnavailableError, UnfetchedError
from connectors.http.problems import Code, ProblemError, json_response
from connectors.providers.receipts.port import Post
from connectors.providers.receipts.registry import (
    ANSWERS,
    CERTIFIED,
    LARGEST,
    STATUS_URL,
    WEBHOOK_KEY,
    webhook_of,
)
from schemas.codec import encode
from schemas.records import ReceiptPosted
from schemas.topics import RECEIPTS, RECORD_BYTES
from schemas.words import Channel

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from schemas.records import Provider

PATH: Final = WEBHOOK
LARGEST_BODY: Final = RECORD_BYTES - 64 * 1024
"""As much as a record takes, sealed; vendors who batch send up to 768 KiB."""
RETRY_SOON: Final = {"Retry-After": "1"}
CHALLENGE: Final = {"WWW-Authenticate": 'Signature realm="carillon"'}


class WebhookDone(msgspec.Struct):
    """It is durable."""


OPERATION: Final = Operation(
    summary="A provider reports",
    about=(
        "For providers only: deliveries, bounces, openings, clicks, complaints, unsubscribes, in the vendor's"
        " own form and signed in its way, or in ours (docs/providers.md). A provider without a `webhook_key`"
        " has no webhook. Reports may come twice, late and in any order. A vendor that waits for the"
        " text `100` gets it; a post signed with a certificate that is not known yet is to come again."
    ),
    variables=(
        Variable(
            "channel",
            "Of the provider.",
            {"type": "string", "enum": [each.value for each in Channel]},
            "email",
        ),
        Variable("provider", "Its name in `providers.yaml`.", ANY_TEXT, "mail-sendgrid"),
    ),
    headers=(
        Header("webhook-id", "Of our own form: the post's id, signed.", "post-1"),
        Header("webhook-timestamp", "Of our own form: seconds since 1970, signed.", "1770920772"),
        Header("webhook-signature", "Of our own form: `v1,` and HMAC-SHA256 in base64.", "v1,c2lnbmVk"),
    ),
    body=Body(
        Any,
        f"At most {LARGEST_BODY} bytes, fewer of vendors who tell little in a post; in the vendor's form,"
        " this is ours.",
        {
            "ours": {
                "events": [
                    {
                        "type": "delivered",
                        "message_id": "5d1f5a3e-2f8e-8c51-9b1a-0d1e4f2a6b7c",
                        "at": "2026-11-20T22:57:29Z",
                        "id": "42",
                    }
                ]
            }
        },
    ),
    answers=(Answer(200, "The report is durable.", WebhookDone, {"done": WebhookDone()}),),
    refusals=(
        ProblemError(Code.INVALID_JSON),
        ProblemError(Code.UNAUTHENTICATED, headers=CHALLENGE),
        ProblemError(Code.NOT_FOUND),
        ProblemError(Code.REQUEST_TIMEOUT),
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON),
        ProblemError(Code.CATCHING_UP, headers=RETRY_SOON),
    ),
)
CALLED: Final = OPERATION._replace(
    summary="A provider reports behind the path",
    about="The same for vendors that call a GET, with all they have to say behind the path.",
    headers=(),
    body=None,
)
DONE: Final = msgspec.json.encode(WebhookDone())
_log = structlog.get_logger(__name__)


class WebhookPost:
    """The handler of both methods: most vendors post, some call a GET with all of it behind the path."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports
        self._timeout_s = ports.publish_timeout_ms / 1000
        self._certificates = CertificateBook(ports.fetch, ports.now_ms)

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer one post."""
        provider, key = self._known(request.match_info["channel"], request.match_info["provider"])
        largest = LARGEST.get(provider.kind, LARGEST_BODY)
        if (request.content_length or 0) > largest:
            raise ProblemError(Code.TOO_LARGE)
        body = await whole(request.clone(client_max_size=largest))
        query = request.rel_url.raw_query_string
        post = self._certified(provider, Post(request.headers, body, query, _told_to(provider, query)), key)
        if not webhook_of(provider.kind).is_genuine(post, key, self._ports.now_ms()):
            raise _unproven()
        await self._keep(provider, post, trace)
        await self._agree(provider, post, key)
        return _done(provider.kind, trace.request_id)

    def _certified(self, provider: Provider, post: Post, key: str) -> Post:
        """With the certificate it names; whose is not here yet comes again, and waits for nothing."""
        way = CERTIFIED.get(provider.kind)
        if way is None:
            return post
        url = way.certificate_url(post, key)
        if url is None:
            raise _unproven()
        found = self._certificates.at(url)
        if found is None:
            raise _not_yet()
        return post._replace(certificate=found)

    async def _agree(self, provider: Provider, post: Post, key: str) -> None:
        """Confirm the subscription that a genuine post asks about; until that is done it is asked again."""
        way = CERTIFIED.get(provider.kind)
        url = way.confirmation_url(post, key) if way else None
        if url is None:
            return
        try:
            await self._ports.fetch(url)
        except UnfetchedError as error:
            _log.warning("subscription_is_not_confirmed", provider=provider.name, error=str(error))
            raise _not_yet() from None
        _log.info("subscription_is_confirmed", provider=provider.name)

    def _known(self, channel: str, name: str) -> tuple[Provider, str]:
        """The provider and its key; one that is switched off reports what it sent before."""
        try:
            found = self._ports.find_provider(channel, name)
        except BrokerUnavailableError:
            raise _away() from None
        key = found.config.get(WEBHOOK_KEY) if found else None
        if found is None or not isinstance(key, str) or not key:
            raise ProblemError(Code.NOT_FOUND)
        return found, key

    async def _keep(self, provider: Provider, post: Post, trace: Trace) -> None:
        posted = ReceiptPosted(
            provider=provider.name,
            channel=provider.channel_type,
            kind=provider.kind,
            received_at=self._ports.now_ms(),
            body=self._ports.cipher.seal(post.body),
            query_sealed=self._ports.cipher.seal(post.query.encode()) if post.query else None,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                key = provider.name.encode()
                await self._ports.produce(RECEIPTS, key, encode(posted), trace.headers())
        except (BrokerUnavailableError, TimeoutError):
            raise _away() from None


def _done(kind: str, request_id: str) -> web.Response:
    """What this vendor must be told."""
    answer = json_response(DONE, request_id)
    if kind in ANSWERS:
        answer.text, answer.content_type = ANSWERS[kind], "text/plain"
    return answer


def _told_to(provider: Provider, query: str) -> str:
    """The address that the vendor was given with the message; empty if it is given none."""
    given = provider.config.get(STATUS_URL)
    return f"{given.partition('?')[0]}?{query}" if isinstance(given, str) else ""


def _unproven() -> ProblemError:
    """Nobody the provider's key speaks for posted it."""
    return ProblemError(Code.UNAUTHENTICATED, headers=CHALLENGE)


def _not_yet() -> ProblemError:
    """The vendor has to be asked first; it comes again."""
    return ProblemError(Code.CATCHING_UP, headers=RETRY_SOON)


def _away() -> ProblemError:
    """The provider comes again."""
    return ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON)
