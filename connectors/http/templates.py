"""`/api/v1/notifications/templates`: what the routes of templates do (NS-API-010…019, NS-TPL-OP-07)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from aiohttp import web

from connectors.access.actor import Actor
from connectors.http import template_bodies as bodies
from connectors.http import template_forms as forms
from connectors.http.noting import noted
from connectors.http.policies import Caller, CallerKind, Role
from connectors.http.ports import Trial
from connectors.http.problems import SERVER, Code, Fault, ProblemError, json_response
from connectors.http.send_form import source_of
from connectors.http.template_reading import (
    LANGUAGE,
    NAME,
    RETRY,
    cursor_of,
    decoded,
    expected_version,
    number_of,
    place_of,
    request_key,
    template_id,
    told,
    uuid_of,
    word_of,
    wrong,
)
from connectors.postgres.audit import Change
from connectors.postgres.template_rows import Wanted
from connectors.templates.apart import apart
from connectors.templates.preview import sample
from connectors.templates.shelf import Change as Write
from connectors.templates.splicing import is_part
from schemas.topics import PROVIDED_CHANNELS
from schemas.words import Category, Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from connectors.templates.desk import Desk
    from connectors.templates.shelf import Stored


OF_PERSONS = Fault("/message_id", "a message's data are a person's: give `data`, or ask for samples")


class Asked(NamedTuple):
    """A request, who made it, and its trace."""

    request: web.Request
    caller: Caller
    trace: Trace

    @property
    def author(self) -> str:
        """Who is told to have written a version."""
        return self.caller.key_id or self.caller.actor_id

    @property
    def actor(self) -> Actor:
        """The same for the audit log."""
        return Actor(self.caller.actor_id, self.caller.role, self.caller.address)

    @property
    def only(self) -> str | None:
        """The one category that he may write: a marketer's (NS-TPL-OP-01)."""
        is_marketer = self.caller.kind is CallerKind.PERSON and Role.ADMIN not in self.caller.roles
        return Category.MARKETING if is_marketer else None

    def change(self, request_key: str | None = None) -> Write:
        """His word on what he writes."""
        return Write(self.author, request_key, actor=self.actor, only=self.only)


class Reply(NamedTuple):
    """An answer. `body` None: there is none."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}


class _Route:
    """What the handlers share."""

    def __init__(self, ports: EdgePorts) -> None:
        self._desk = ports.templates
        self._timeout_s = ports.publish_timeout_ms / 1000

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer one request."""
        if self._desk is None:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY)
        with told():
            async with asyncio.timeout(self._timeout_s):
                reply = await self.answer(Asked(request, caller, trace), self._desk)
        if reply.body is None:
            kept = {"Server": SERVER, "X-Request-Id": trace.request_id}
            return web.Response(status=reply.status, headers=kept)
        response = json_response(msgspec.json.encode(reply.body), trace.request_id, reply.status)
        response.headers.update(reply.headers)
        return response

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """What to answer."""
        raise NotImplementedError


class Create(_Route):
    """`POST /templates`."""

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """Make a template."""
        body = decoded(await asked.request.read(), bodies.TemplateBody)
        change = asked.change(request_key(asked.request, asked.caller.owner))
        stored, is_replayed = await desk.create(body.template(), change)
        shown = await _shown(stored, 201)
        found = {**shown.headers, "Location": f"{forms.PATH}/{stored.template_id}"}
        return shown._replace(headers=found | {"Idempotent-Replayed": "true"} if is_replayed else found)


class List(_Route):
    """`GET /templates`."""

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """Some templates."""
        query = asked.request.query
        limit = number_of(asked.request, "limit", forms.USUAL, forms.MOST)
        behind = place_of(query["cursor"]) if "cursor" in query else None
        page = number_of(asked.request, "page", 1, forms.LARGEST_PAGE)
        if (channel := query.get("channel_type")) is not None and channel not in set(Channel):
            raise wrong(f"channel_type: must be one of {', '.join(Channel)}")
        skip = 0 if behind else (page - 1) * limit
        named = (word_of(asked.request, "language_code", LANGUAGE), word_of(asked.request, "name", NAME))
        found, total = await desk.page(Wanted(channel, *named, behind, skip, limit + 1))
        items = [await apart(bodies.template_shown, each) for each in found[:limit]]
        following = cursor_of(found[limit - 1]) if len(found) > limit else None
        return Reply(bodies.TemplatesShown(items, None if behind else page, limit, total, following))


class Get(_Route):
    """`GET /templates/{id}`."""

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """One template."""
        return await _shown(await desk.find(template_id(asked.request)))


class Edit(_Route):
    """`PUT /templates/{id}`."""

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """Write the next version."""
        known, body = template_id(asked.request), decoded(await asked.request.read(), bodies.TemplateBody)
        expected = expected_version(asked.request)
        return await _shown(await desk.edit(known, body.template(), asked.change(), expected))


class Delete(_Route):
    """`DELETE /templates/{id}`."""

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """Mark as deleted."""
        await desk.remove(template_id(asked.request), expected_version(asked.request), asked.actor)
        return Reply(None, 204)


class Versions(_Route):
    """`GET /templates/{id}/versions`."""

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """Some versions."""
        limit = number_of(asked.request, "limit", forms.USUAL, forms.MOST)
        below = number_of(asked.request, "below", 2**31 - 1, 2**31 - 1)
        found = await desk.versions(template_id(asked.request), below, limit + 1)
        following = found[limit - 1].template.version if len(found) > limit else None
        items = [bodies.version_shown(each) for each in found[:limit]]
        return Reply(bodies.VersionsShown(items, limit, following))


class RollBack(_Route):
    """`POST /templates/{id}/rollback`."""

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """Write the next version with an old text."""
        known, body = template_id(asked.request), decoded(await asked.request.read(), bodies.RollbackBody)
        expected = expected_version(asked.request)
        return await _shown(await desk.roll_back(known, body.version, asked.change(), expected))


class Previewed(_Route):
    """`POST /templates/{id}/preview`."""

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """Render without sending."""
        known, body = template_id(asked.request), decoded(await asked.request.read(), bodies.PreviewBody)
        template = await desk.text(known, body.version)
        data = body.data
        if body.message_id is not None and asked.only:
            raise ProblemError(Code.FORBIDDEN, [OF_PERSONS])
        if body.message_id is not None:
            data = await desk.data_of(uuid_of(body.message_id), template) | data
        made = await desk.preview(template, data, with_samples=body.samples)
        return Reply(bodies.preview_shown(made))


class TrialSent(_Route):
    """`POST /templates/{id}/test-send`."""

    def __init__(self, ports: EdgePorts) -> None:
        super().__init__(ports)
        self._ports = ports
        self._send = ports.send_trial

    async def answer(self, asked: Asked, desk: Desk) -> Reply:
        """Send to one address. Keys for tests do not: no provider is theirs."""
        owner = source_of(asked.caller)
        known, body = template_id(asked.request), decoded(await asked.request.read(), bodies.TrialBody)
        template = await desk.text(known, body.version)
        if self._send is None or template.channel_type not in PROVIDED_CHANNELS or is_part(template.name):
            raise wrong(f"recipient: nothing is sent by {template.channel_type} templates such as this one")
        data = sample(template.variables) | body.data if body.samples else body.data
        made = await desk.preview(template, data, with_samples=False)
        key = request_key(asked.request, owner) or asked.trace.request_id
        told_of = {"name": template.name, "version": template.version, "recipient": body.recipient}
        await noted(self._ports, asked.caller, Change("template.trial", "template", known, None, told_of))
        sent = await self._send(Trial(template, made.content, data, body.recipient, owner, key))
        if sent is None:
            raise ProblemError(Code.INVALID_FIELD, [Fault("/recipient", "is no address of the channel")])
        return Reply(bodies.TrialQueued(sent), 202)


async def _shown(stored: Stored, status: int = 200) -> Reply:
    """In a thread: its warnings are found by rendering it."""
    body = await apart(bodies.template_shown, stored)
    return Reply(body, status, {"ETag": f'"{body.version}"'})
