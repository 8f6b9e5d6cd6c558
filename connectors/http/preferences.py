"""Handlers of the preferences API (NS-API-020…025). A change is on every in-sync replica before its 200.

Answers to changes are computed from the change; reads show Postgres, which follows within about a second.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from aiohttp import web

from connectors.choices import ChoicesAwayError, Stored
from connectors.http import preference_changes as changes
from connectors.http.bodies import whole
from connectors.http.noting import noted
from connectors.http.policies import STRANGER
from connectors.http.ports import BrokerUnavailableError
from connectors.http.preference_forms import (
    Changed,
    Choice,
    Choices,
    Confirmed,
    Consent,
    ConsentBody,
    Everything,
    Setting,
    Unsubscribable,
    UnsubscribeBody,
    Unsubscribed,
)
from connectors.http.problems import SERVER, Code, Fault, ProblemError, json_response
from connectors.postgres.audit import Change
from schemas.ids import person_named, subject_key
from schemas.times import rfc3339
from schemas.topics import PREFERENCE_CHANGES

if TYPE_CHECKING:
    from connectors.choices import Kind
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH = "/api/v1/notifications/preferences/{user_id}"
LARGEST_BODY = 64 * 1024
PURPOSE = "^[A-Za-z0-9_.-]{1,100}$"
RETRY_SOON = {"Retry-After": "1"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_PURPOSE = re.compile(PURPOSE[1:-1])
T = TypeVar("T")


class Handler:
    """What the handlers have in common: who is meant, what is stored, how a change is written."""

    def __init__(self, ports: EdgePorts) -> None:
        self.ports = ports
        self._timeout_s = ports.publish_timeout_ms / 1000

    async def stored(self, user_id: str) -> tuple[dict[str, Kind], Stored]:
        """The types by code, and what the user chose; 503 when the database is away."""
        try:
            kinds = await self.ports.choices.kinds()
            stored = await self.ports.choices.of(user_id)
        except ChoicesAwayError as error:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON) from error
        return {kind.code: kind for kind in kinds}, stored

    async def publish(
        self, user_id: str, event: tuple[str, dict[str, Any]], trace: Trace, caller: Caller = STRANGER
    ) -> int:
        """Write the event and wait for all in-sync replicas; the time (ms) from which it is in force.

        Staff who act for somebody are named in the evidence, and in the audit log before anything is written.
        """
        if caller.is_staff_for(user_id):
            event = changes.by_staff(event, caller.actor_id)
            await self._note(user_id, event, caller)
        now = self.ports.now_ms()
        value = {"event_type": event[0], "user_id": user_id, "data": event[1]}
        headers = {**trace.headers(), "occurred_at": rfc3339(now).encode(), "source": b"preferences-api"}
        try:
            async with asyncio.timeout(self._timeout_s):
                raw = msgspec.json.encode(value)
                await self.ports.produce(PREFERENCE_CHANGES, subject_key(user_id), raw, headers)
        except (BrokerUnavailableError, TimeoutError):
            raise ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON) from None
        return now

    async def _note(self, user_id: str, event: tuple[str, dict[str, Any]], caller: Caller) -> None:
        """A line under the user's keyed name: lines cannot be changed when he is erased (NS-SEC-OP-03)."""
        if self.ports.note_down is not None:
            person = person_named(self.ports.cipher.digest(user_id.encode()))
            change = Change("preferences.change", "person", person, None, changes.told(event))
            await noted(self.ports, caller, change)


class Shown(Handler):
    """`GET /preferences/{user_id}`; any well-formed id has at least the defaults (NS-API-OP-06)."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer all that is stored."""
        user_id = user_in(request)
        kinds, stored = await self.stored(user_id)
        found = Everything(
            user_id=user_id,
            preferences=[changes.setting(kind, stored) for kind in kinds.values()],
            unsubscribed=[
                Unsubscribed(one.channel, one.reason, rfc3339(one.at))  # type: ignore[arg-type] # by its CHECK
                for one in stored.unsubscribed
            ],
            consents=[
                Consent(c.purpose, c.channel, c.is_granted, rfc3339(c.at), c.source, c.text_version)
                for c in stored.consents
            ],
            quiet_hours=changes.shown(stored.quiet),
        )
        return json_response(msgspec.json.encode(found), trace.request_id)


class Types(Handler):
    """`GET /preferences/{user_id}/types`: the settings screen (NS-API-023)."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer every type with the user's settings."""
        kinds, stored = await self.stored(user_in(request))
        found = [changes.setting(kind, stored) for kind in kinds.values()]
        return json_response(msgspec.json.encode(found), trace.request_id)


class Put(Handler):
    """`PUT /preferences/{user_id}`: one choice or several at once (NS-API-021, NS-PREF-OP-02)."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer the settings as they are from now on."""
        user_id = user_in(request)
        raw = await raw_of(request)
        is_many = "preferences" in decoded(raw, dict[str, msgspec.Raw])
        choices = decoded(raw, Choices).preferences if is_many else [decoded(raw, Choice)]
        kinds, stored = await self.stored(user_id)
        changes.check(choices, kinds)
        at = await self.publish(user_id, changes.changed(choices), trace, caller)
        settings: list[Setting] = [
            changes.setting(kinds[one.notification_type], stored, one) for one in choices
        ]
        return json_response(msgspec.json.encode(Changed(user_id, rfc3339(at), settings)), trace.request_id)


class Unsubscribe(Handler):
    """`POST /preferences/{user_id}/unsubscribe` (NS-API-024); again is as good as once."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer a confirmation."""
        user_id = user_in(request)
        body = await body_of(request, UnsubscribeBody)
        data = {"channel_type": body.channel_type, "reason": body.reason}
        at = await self.publish(user_id, ("user.unsubscribed", data), trace, caller)
        done = Confirmed(user_id, rfc3339(at), "unsubscribed", body.channel_type)
        return json_response(msgspec.json.encode(done), trace.request_id)


class Resubscribe(Handler):
    """`DELETE /preferences/{user_id}/unsubscribe/{channel_type}` (NS-PREF-OP-06).

    Written in any case: an unsubscribe of a moment ago may not stand in the database yet.
    """

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer 204, or 404 when no such unsubscribe is known."""
        user_id, channel = user_in(request), request.match_info["channel_type"]
        if channel not in Unsubscribable.__args__:  # type: ignore[attr-defined] # a Literal
            raise ProblemError(Code.INVALID_FIELD, [Fault("", "channel_type is none of the list")])
        _, stored = await self.stored(user_id)
        await self.publish(user_id, ("user.resubscribed", {"channel_type": channel}), trace, caller)
        if channel not in {one.channel for one in stored.unsubscribed}:
            raise ProblemError(Code.NOT_FOUND)
        return web.Response(status=204, headers={"Server": SERVER, "X-Request-Id": trace.request_id})


class PutConsent(Handler):
    """`PUT /preferences/{user_id}/consents/{purpose}` (NS-PREF-OP-07)."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer a confirmation."""
        user_id, purpose = user_in(request), request.match_info["purpose"]
        if not _PURPOSE.fullmatch(purpose):
            raise ProblemError(Code.INVALID_FIELD, [Fault("", f"purpose does not match {PURPOSE}")])
        body = await body_of(request, ConsentBody)
        data = {
            "purpose": purpose,
            "channel_type": body.channel_type,
            "source": body.source,
            "text_version": body.text_version,
        }
        word = "granted" if body.granted else "revoked"
        at = await self.publish(user_id, (f"user.consent_{word}", data), trace, caller)
        done = Confirmed(user_id, rfc3339(at), "granted" if body.granted else "revoked", body.channel_type)
        return json_response(msgspec.json.encode(done), trace.request_id)


def user_in(request: web.Request) -> str:
    """The user of the path, in lower case as everywhere."""
    return uuid_in(request, "user_id")


def uuid_in(request: web.Request, name: str) -> str:
    """A UUID of the path, in lower case."""
    found = request.match_info[name]
    if not _UUID.fullmatch(found):
        raise ProblemError(Code.INVALID_FIELD, [Fault("", f"{name} is no UUID")])
    return found.lower()


async def body_of(request: web.Request, form: type[T]) -> T:
    """The body as this form, or the problem with it."""
    return decoded(await raw_of(request), form)


async def raw_of(request: web.Request) -> bytes:
    """The body, if it is not too large."""
    if (request.content_length or 0) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    raw = await whole(request)
    if len(raw) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    return raw


def decoded(raw: bytes, form: type[T]) -> T:
    """JSON of this form, or the problem with it."""
    try:
        return msgspec.json.decode(raw, type=form)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$")
        pointer = re.sub(r"\.|\[(\d+)\]", lambda m: f"/{m[1]}" if m[1] else "/", where.rstrip("`"))
        raise ProblemError(Code.INVALID_FIELD, [Fault(pointer, text)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(Code.INVALID_JSON) from None
