"""The audience endpoints: read, check, ask the stage that decides, answer (AUD-030, CRM-011, CRM-012)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog

from connectors.http.audience import legacy
from connectors.http.audience.bodies import (
    AdminPublishBody,
    LabelInfo,
    LabelledAnswer,
    PublishBody,
    UnpublishBody,
)
from connectors.http.audience.commands import Asking, digest_of, publication, withdrawal
from connectors.http.audience.faults import InvalidError
from connectors.http.audience.ports import Away
from connectors.http.audience.progress import status
from connectors.http.audience.reading import TOKEN_HEADER, Reader, idempotency_key, whole_body
from connectors.http.audience.rules import labelled
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import Code, Fault, ProblemError, json_response
from schemas.words import AudienceOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from connectors.http.audience.commands import Upload
    from connectors.http.audience.faults import Known
    from connectors.http.audience.rules import Labelled
    from connectors.http.authority import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from schemas.records import AudienceAnswered

log = structlog.get_logger(__name__)
RETRY_SOON = {"Retry-After": "1"}
REPLAYED = "Idempotent-Replayed"
LARGE = 64 * 1024
"""From this size on a body is decoded in a thread. Rules and chunks always are: 100 000 users take 0.2 s,
and seen posts are answered on this loop."""

B = TypeVar("B", bound=msgspec.Struct)


class _Endpoint:
    """What the endpoints have in common."""

    def __init__(self, ports: EdgePorts) -> None:
        self._audience = ports.audience or Away()
        self._now_ms = ports.now_ms

    async def _read(self, request: web.Request, reader: Reader[B]) -> B:
        raw = await whole_body(request)
        return await asyncio.to_thread(reader, raw) if len(raw) > LARGE else reader(raw)

    async def _checked(self, check: Callable[[Any, Known], Labelled], body: Any) -> Labelled:
        """The labels; an id that nobody knows is looked for again in what was written meanwhile."""
        try:
            return await asyncio.to_thread(check, body, self._known())
        except InvalidError as error:
            if not error.has_unknown:
                raise
        try:
            await self._audience.catch_up()
        except BrokerUnavailableError:
            raise _away() from None
        return await asyncio.to_thread(check, body, self._known())

    def _known(self) -> Known:
        try:
            return self._audience.known
        except BrokerUnavailableError:
            raise _away() from None

    def _asking(self, trace: Trace, request_id: str, key: str, digest: bytes) -> Asking:
        return Asking(f"{trace.trace_id}-{trace.span_id}", request_id, key, digest, self._now_ms())

    async def _ask(self, upload: Upload, trace: Trace) -> AudienceAnswered:
        """The answer of the stage that decides; a refusal is a problem. The label is logged (AUD-051)."""
        told = {"campaign_label": upload.campaign_label, "upload_id": upload.upload_id}
        try:
            answer = await self._audience.ask(upload, trace.headers())
        except BrokerUnavailableError:
            log.warning("audience_request_waits", **told)
            raise _away() from None
        log.info("audience_request_answered", outcome=answer.outcome, replayed=answer.is_replay, **told)
        if answer.outcome == AudienceOutcome.CONFLICT:
            raise ProblemError(Code.CONFLICT, [Fault("", answer.detail)])
        if answer.outcome == AudienceOutcome.UNKNOWN_LABEL:
            raise ProblemError(Code.UNKNOWN_LABEL, [Fault("", answer.detail)])
        return answer


class Publish(_Endpoint):
    """`POST /communications-audience/v1/publish`."""

    _reader = Reader(PublishBody)

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer one request once it is durable and its labels are assigned (AUD-OP-21)."""
        body = await self._read(request, self._reader)
        key = idempotency_key(request.headers.get(TOKEN_HEADER), body.id)
        found = await self._checked(labelled, body)
        digest = await asyncio.to_thread(digest_of, "publish", body)
        asking = self._asking(trace, body.id, key, digest)
        upload = await asyncio.to_thread(publication, asking, body.campaign_label, found)
        return _named(await self._ask(upload, trace), trace)


class Unpublish(_Endpoint):
    """`POST /communications-audience/v1/unpublish`."""

    _reader = Reader(UnpublishBody)

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer one withdrawal."""
        body = await self._read(request, self._reader)
        key = idempotency_key(request.headers.get(TOKEN_HEADER), body.id)
        asking = self._asking(trace, body.id, key, digest_of("unpublish", body))
        return _named(await self._ask(withdrawal(asking, body), trace), trace)


class AdminPublish(_Endpoint):
    """`POST /admin/promotions/publish/`: the old form (AUD-010). It has no key: its label says all."""

    _reader = Reader(AdminPublishBody)

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer `{}`, or a conflict with an earlier publication of the promotion."""
        body = await self._read(request, self._reader)
        found = await self._checked(legacy.labelled, body)
        digest = digest_of("admin", body)
        name = f"admin:{digest.hex()}"
        upload = publication(self._asking(trace, name, "", digest), legacy.campaign_of(body), found)
        await self._ask(upload, trace)
        return json_response(b"{}", trace.request_id)


class Status(_Endpoint):
    """`GET /communications-audience/v1/status`."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer from the labels as they are now: what was answered before this is in it."""
        try:
            await self._audience.catch_up()
            found = status(request.query, self._audience)
        except BrokerUnavailableError:
            raise _away() from None
        return json_response(msgspec.json.encode(found), trace.request_id)


def _named(answer: AudienceAnswered, trace: Trace) -> web.Response:
    infos = [LabelInfo(label.communication_id, label.audience_label) for label in answer.labels]
    body = msgspec.json.encode(LabelledAnswer(answer.request_id, infos))
    response = json_response(body, trace.request_id)
    if answer.is_replay:
        response.headers[REPLAYED] = "true"
    return response


def _away() -> ProblemError:
    return ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON)
