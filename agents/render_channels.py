"""One request, one channel: its template, its text, a message for each address.

consumes  a `Draft`, the addresses of the channel, its template; ports to render, to seal, to link
keeps     nothing
emits     MessageQueued for each address; SendTask for each that can be sent

Rules: NS-SND-016, NS-SND-017, NS-SND-OP-04, NS-SND-OP-05, NS-SND-060…062.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from agents.link import filled, way_out
from schemas.errors import RenderFailedError
from schemas.ids import keyed_request, message_named
from schemas.languages import DEFAULT_LANGUAGE, languages
from schemas.records import MessageQueued, SendTask
from schemas.words import Category, Channel, Reason, Status, UnknownPolicy

if TYPE_CHECKING:
    from typing import Any, Protocol

    from agents.ports import Cipher, Links, Reference, Renderer
    from schemas.records import NotificationType, QuietHours, RequestReceived, Template
    from tables.contacts import Address

    class Ports(Protocol):
        """What rendering needs of the world."""

        @property
        def cipher(self) -> Cipher: ...
        @property
        def renderer(self) -> Renderer: ...
        @property
        def links(self) -> Links: ...


_encode = msgspec.json.Encoder().encode

Made = MessageQueued | SendTask


class Draft(msgspec.Struct, frozen=True):
    """A request on its way to its channels. `payload`: what rows may show of `variables`. Times in ms.

    `is_awaited`: a reserve channel may follow; `because`: why there is a message, where that must be told.
    """

    request: RequestReceived
    kind: NotificationType
    variables: dict[str, Any]
    payload: bytes
    now: int
    expires_at: int
    is_awaited: bool = False
    because: Reason | None = None
    preferences_version: int = 0
    quiet: QuietHours | None = None


class Way(msgspec.Struct, frozen=True):
    """One channel to one user. `step`: 0 for a chosen channel, from 1 for reserve channels."""

    channel: str
    addresses: list[Address]
    template: Template | None
    step: int


class Failure(msgspec.Struct, frozen=True):
    """Why a message ended before its channel."""

    reason: Reason
    detail: str | None = None
    status: Status = Status.FAILED


class Rendered(msgspec.Struct, frozen=True):
    """Content on its way to a channel."""

    sealed: bytes
    segments: int | None


INVALID = Failure(Reason.INVALID_CONTACT)
BOUNCED = Failure(Reason.ADDRESS_BOUNCED, status=Status.SKIPPED)
NO_TEMPLATE = Failure(Reason.NO_TEMPLATE)


async def find_template(name: str, channel: str, wanted: str | None, reference: Reference) -> Template | None:
    """The best template there is; waits only when there is none at all."""
    found = _known_template(name, channel, wanted, reference)
    if found is None and await reference.find_template(name, channel, DEFAULT_LANGUAGE):
        found = _known_template(name, channel, wanted, reference)
    return found


def _known_template(name: str, channel: str, wanted: str | None, reference: Reference) -> Template | None:
    for language in languages(wanted):
        found = reference.template(name, channel, language)
        if found is not None:
            return found
    return None


def render_channel(draft: Draft, way: Way, ports: Ports) -> list[Made]:
    """The messages of one channel; content is rendered and sealed once for all its addresses."""
    content = _content(draft, way, ports) if any(a.is_usable for a in way.addresses) else INVALID
    made: list[Made] = []
    for number, address in enumerate(way.addresses):
        result = content if address.is_usable else _unusable(address)
        message = _message(draft, way, number, result)
        named = draft.request.user_id if way.channel == Channel.IN_APP else address.device_id
        if named is not None:
            message = replace(message, recipient=ports.cipher.seal(named.encode()))
        made.append(message)
        if isinstance(result, Rendered):
            made.append(_task(draft, message, address, result.sealed))
    return made


def _unusable(address: Address) -> Failure:
    """An intended non-sending is no failure of delivery (NS-SND-OP-06)."""
    return BOUNCED if address.has_bounced else INVALID


def _content(draft: Draft, way: Way, ports: Ports) -> Rendered | Failure:
    if way.template is None:
        return NO_TEMPLATE
    out = way_out(draft.kind, draft.request, way.channel, ports.links)
    links = filled(way.template, draft.request.user_id, out, ports.links, draft.now)
    try:
        content = ports.renderer.render(way.template, draft.variables | links if links else draft.variables)
    except RenderFailedError as error:
        return Failure(Reason.RENDER_FAILED, str(error))
    if out is not None:
        content = replace(content, unsubscribe_url=out)
    return Rendered(ports.cipher.seal(_encode(content)), content.segments)


def message_id(request: RequestReceived, channel: str, number: int, step: int) -> str:
    """Id of a message: the request's whole identity, the channel, which of its addresses, which step.

    The address itself is left out: with it, whoever reads an id could try out phone numbers. A request id
    that follows from the key is the same when the key is used again after its window, so there the place the
    request came from is part of the identity: else its messages would count as those of the first one.
    """
    by = (request.source, request.user_id, request.idempotency_key)
    again = (request.origin,) if request.request_id == keyed_request(*by) else ()
    parts = (request.request_id, *by, *again, channel, str(number), str(step))
    return message_named(request.user_id, *parts)


def _message(draft: Draft, way: Way, number: int, result: Rendered | Failure) -> MessageQueued:
    request, template = draft.request, way.template
    failure = result if isinstance(result, Failure) else None
    return MessageQueued(
        message_id=message_id(request, way.channel, number, way.step),
        request_id=request.request_id,
        user_id=request.user_id,
        channel=way.channel,
        lane=request.lane,
        notification_type=request.notification_type,
        category=draft.kind.category,
        source=request.source,
        idempotency_key=request.idempotency_key,
        recipient=way.addresses[number].sealed,
        payload=draft.payload,
        created_at=draft.now,
        expires_at=draft.expires_at,
        language=template.language_code if template else None,
        template=template.name if template else None,
        template_version=template.version if template else None,
        scheduled_at=request.scheduled_at,
        status=failure.status if failure else Status.PENDING,
        reason=failure.reason if failure else draft.because,
        detail=failure.detail if failure else None,
        is_awaited=draft.is_awaited and way.step == 0,
        segments=result.segments if isinstance(result, Rendered) else None,
        campaign_label=request.campaign_label,
    )


def _task(draft: Draft, message: MessageQueued, address: Address, content: bytes) -> SendTask:
    return SendTask(
        message_id=message.message_id,
        request_id=message.request_id,
        user_id=message.user_id,
        channel=message.channel,
        lane=message.lane,
        notification_type=message.notification_type,
        category=message.category,
        source=message.source,
        idempotency_key=message.idempotency_key,
        address=address.sealed,
        content=content,
        created_at=message.created_at,
        expires_at=message.expires_at,
        unknown_policy=draft.kind.unknown_policy or _default_policy(draft.kind),
        preferences_version=draft.preferences_version,
        quiet=draft.quiet,
        device_id=address.device_id,
        platform=address.platform,
        segments=message.segments,
        campaign_label=message.campaign_label,
    )


def _default_policy(kind: NotificationType) -> UnknownPolicy:
    """An advertisement is not risked twice, anything else is not risked lost (NS-SND-OP-12)."""
    return UnknownPolicy.HOLD if kind.category == Category.MARKETING else UnknownPolicy.REPEAT
