"""The audience endpoints: read, check, ask the stage that decides, answer (AUD-030, CRM-011, CRM-012)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
from structlog.contextvars import bind_contextvars

from connectors.http.audience import legacy
from connectors.http.audience.asking import AskingEndpoint, Endpoint, away
from connectors.http.audience.bodies import AdminPublishBody, LabelInfo, LabelledAnswer, UnpublishBody
from connectors.http.audience.commands import digest_of, publication, withdrawal
from connectors.http.audience.progress import status
from connectors.http.audience.reading import TOKEN_HEADER, PublishReader, Reader, idempotency_key
from connectors.http.audience.rules import labelled
from connectors.http.audience.slots import Size, size_of
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from connectors.http.audience.commands import Upload
    from connectors.http.traces import Trace
    from schemas.records import AudienceAnswered

ANSWERED = "answered"
IDEMPOTENT = "Idempotent-Replayed"


class Publish(AskingEndpoint):
    """`POST /communications-audience/v1/publish`."""

    operation = "publish"
    _reader = PublishReader()

    def _size(self, request: web.Request) -> Size:
        return size_of(request)

    async def _prepared(self, raw: bytearray, headers: Mapping[str, str], trace: Trace) -> Upload:
        body = await asyncio.to_thread(self._reader, raw)
        bind_contextvars(campaign_label=body.campaign_label, request_id=body.id)
        key = idempotency_key(headers.get(TOKEN_HEADER), body.id)
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

    async def _prepared(self, raw: bytearray, headers: Mapping[str, str], trace: Trace) -> Upload:
        body = self._reader(raw)
        key = idempotency_key(headers.get(TOKEN_HEADER), body.id)
        upload = withdrawal(self._asking(trace, body.id, key, digest_of("unpublish", body)), body)
        bind_contextvars(campaign_label=upload.campaign_label, request_id=body.id)
        return upload

    def _told(self, answer: AudienceAnswered, trace: Trace) -> web.Response:
        return _named(answer, trace)


class AdminPublish(AskingEndpoint):
    """`POST /admin/promotions/publish/`: the old form (AUD-010). It has no key: its label says all."""

    operation = "admin_publish"
    _reader = Reader(AdminPublishBody)

    async def _prepared(self, raw: bytearray, headers: Mapping[str, str], trace: Trace) -> Upload:  # noqa: ARG002
        body = self._reader(raw)
        campaign = legacy.campaign_of(body)
        bind_contextvars(campaign_label=campaign)
        found = await self._checked(legacy.labelled, body)
        digest = digest_of("admin", body)
        name = f"admin:{digest.hex()}"
        return publication(self._asking(trace, name, "", digest), campaign, found)

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
