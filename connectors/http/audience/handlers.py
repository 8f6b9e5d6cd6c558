"""The audience endpoints: read, check, ask the stage that decides, answer (AUD-030, CRM-011, CRM-012)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import structlog
from msgspec import UNSET
from structlog.contextvars import bind_contextvars

from connectors.http.audience import legacy
from connectors.http.audience.asking import AskingEndpoint, Endpoint, away
from connectors.http.audience.bodies import AdminPublishBody, LabelInfo, LabelledAnswer, UnpublishBody
from connectors.http.audience.commands import digest_of, publication, withdrawal
from connectors.http.audience.ports import AudienceQuery, UnresolvedError
from connectors.http.audience.progress import status
from connectors.http.audience.reading import PublishReader, Reader, idempotency_key
from connectors.http.audience.rules import labelled
from connectors.http.audience.slots import Size, size_of
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import Code, Fault, ProblemError, json_response

if TYPE_CHECKING:
    from contextlib import ExitStack

    from aiohttp import web
    from multidict import MultiMapping

    from connectors.http.audience.commands import Upload
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from schemas.records import AudienceAnswered

log = structlog.get_logger(__name__)
ANSWERED = "answered"
IDEMPOTENT = "Idempotent-Replayed"


class Publish(AskingEndpoint):
    """`POST /communications-audience/v1/publish`."""

    operation = "publish"
    _reader = PublishReader()

    def _size(self, request: web.Request) -> Size:
        return size_of(request)

    async def _prepared(
        self,
        raw: bytearray,
        headers: MultiMapping[str],
        trace: Trace,
        places: ExitStack,  # noqa: ARG002 - it has its place
    ) -> Upload:
        body = await asyncio.to_thread(self._reader, raw)
        bind_contextvars(campaign_label=body.campaign_label, request_id=body.id)
        key = idempotency_key(headers, body.id)
        found = await self._checked(labelled, body)
        digest = await asyncio.to_thread(digest_of, "publish", body)
        asking = self._asking(trace, body.id, key, digest)
        return await asyncio.to_thread(publication, asking, body.campaign_label, found)

    def _told(self, answer: AudienceAnswered, trace: Trace) -> web.Response:
        return _named(answer, trace)


class Unpublish(AskingEndpoint):
    """`POST /communications-audience/v1/unpublish`."""

    operation = "unpublish"
    _reader = Reader(UnpublishBody)

    def _size(self, request: web.Request) -> Size:  # noqa: ARG002 - it has places of its own
        return Size.WITHDRAWAL

    async def _prepared(
        self,
        raw: bytearray,
        headers: MultiMapping[str],
        trace: Trace,
        places: ExitStack,  # noqa: ARG002 - it has its place
    ) -> Upload:
        body = self._reader(raw)
        key = idempotency_key(headers, body.id)
        upload = withdrawal(self._asking(trace, body.id, key, digest_of("unpublish", body)), body)
        bind_contextvars(campaign_label=upload.campaign_label, request_id=body.id)
        return upload

    def _told(self, answer: AudienceAnswered, trace: Trace) -> web.Response:
        return _named(answer, trace)


class AdminPublish(AskingEndpoint):
    """`POST /admin/promotions/publish/`: the old form (AUD-010). It has no key: its label says all."""

    operation = "admin_publish"
    _reader = Reader(AdminPublishBody)

    def __init__(self, ports: EdgePorts) -> None:
        super().__init__(ports)
        self._resolve = ports.resolve

    async def _prepared(
        self,
        raw: bytearray,
        headers: MultiMapping[str],  # noqa: ARG002 - none counts
        trace: Trace,
        places: ExitStack,
    ) -> Upload:
        body = self._reader(raw)
        campaign = legacy.campaign_of(body)
        bind_contextvars(campaign_label=campaign)
        found = await self._checked(legacy.labelled, body)
        digest = digest_of("admin", body)
        name = f"admin:{digest.hex()}"
        if body.yql_link is UNSET:
            return publication(self._asking(trace, name, "", digest), campaign, found)
        places.enter_context(self._slots.taken(Size.QUERY))
        query = AudienceQuery(f"{trace.trace_id}-{trace.span_id}", body.promotion_id, body.yql_link)
        users = await self._resolved(query)
        async with self._slots.desk:
            found = await asyncio.to_thread(legacy.to_users, found, users)
            asking = self._asking(trace, name, "", digest)
            return await asyncio.to_thread(publication, asking, campaign, found)

    async def _resolved(self, query: AudienceQuery) -> bytearray:
        """Whom the query selects; a 502 where nobody can say it (AUD-021)."""
        if self._resolve is None:
            raise ProblemError(Code.NO_RESOLVER, [Fault("/yql_link", "none is configured")])
        try:
            return await self._resolve(query)
        except UnresolvedError as error:
            log.warning("audience_query_unresolved", error=str(error))
            raise ProblemError(Code.NO_RESOLVER, [Fault("/yql_link", str(error))]) from None

    def _told(self, answer: AudienceAnswered, trace: Trace) -> web.Response:  # noqa: ARG002 - it says nothing
        return json_response(b"{}", trace.request_id)


class Status(Endpoint):
    """`GET /communications-audience/v1/status`."""

    operation = "status"

    async def _answered(self, request: web.Request, trace: Trace) -> tuple[str, web.Response]:
        """From the labels as they are now: what was answered before this is in it."""
        try:
            await self._audience.catch_up()
            found = status(request.query, self._audience)
        except BrokerUnavailableError:
            raise away() from None
        return ANSWERED, json_response(msgspec.json.encode(found), trace.request_id)


def _named(answer: AudienceAnswered, trace: Trace) -> web.Response:
    infos = [LabelInfo(label.communication_id, label.audience_label) for label in answer.labels]
    body = msgspec.json.encode(LabelledAnswer(answer.request_id, infos))
    response = json_response(body, trace.request_id)
    if answer.is_replay:
        response.headers[IDEMPOTENT] = "true"
    return response
