"""`/api/v1/notifications/users/{user_id}`: all that is known of a person, and its erasure (NS-SEC-OP-02).

For admins. Each leaves a line in the audit log first, under the person's keyed name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from connectors.access.actor import Actor
from connectors.http.access import PREFIX
from connectors.http.operation import Answer, Body, Operation
from connectors.http.preference_operations import AT, AWAY, BAD_USER, NO_BROKER, USER, USER_ID, WRITING
from connectors.http.preferences import LARGEST_BODY, RETRY_SOON, Handler, body_of, user_in
from connectors.http.problems import Code, ProblemError, json_response
from connectors.postgres.errors import PostgresUnavailableError
from schemas.facts import MAX_NAMES, AudienceName
from schemas.times import rfc3339

if TYPE_CHECKING:
    from connectors.http.policies import Caller
    from connectors.http.traces import Trace
    from connectors.persons import Persons

ONE = f"{PREFIX}/users/{{user_id}}"
EXPORT_PATH, ERASURE_PATH = f"{ONE}/export", f"{ONE}/erasure"
NAME = "5b8e0f0a-6d5c-8f3e-9a41-1c0f6f1f3b7a"


class ErasureBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What else he is known by."""

    known_as: Annotated[
        list[AudienceName], Meta(max_length=MAX_NAMES, description="Names under which audiences know him.")
    ] = []


class Erasing(msgspec.Struct):
    """It is on its way."""

    person: Annotated[str, Meta(description="The name under which evidence of him stays: a keyed hash.")]
    asked_at: str


class Everything(msgspec.Struct):
    """All that is known of a person; addresses in clear."""

    user_id: str
    rows: Annotated[dict[str, list[Any]], Meta(description="Of the database, by kind.")]
    tables: Annotated[dict[str, list[Any]], Meta(description="Of the pipeline's tables, by kind.")]


class _Desk(Handler):
    """What both have in common."""

    async def noted(self, action: str, user_id: str, caller: Caller) -> tuple[Persons, str]:
        """The desk, and the person's name in the line that it wrote; 503 when the database is away."""
        persons = self.ports.persons
        if persons is None:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON)
        try:
            actor = Actor(caller.actor_id, caller.role, caller.address)
            return persons, await persons.note(action, user_id, actor)
        except PostgresUnavailableError:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON) from None


class Export(_Desk):
    """`GET /users/{user_id}/export`."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer all that is known."""
        user_id = user_in(request)
        persons, _ = await self.noted("person.export", user_id, caller)
        try:
            found = await persons.known(user_id)
        except PostgresUnavailableError:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON) from None
        except ConnectionError:
            raise ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON) from None
        return json_response(msgspec.json.encode(found), trace.request_id)


class Erase(_Desk):
    """`POST /users/{user_id}/erasure`; again is as good as once."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer when every in-sync replica has the deletion."""
        user_id = user_in(request)
        body = await body_of(request, ErasureBody)
        _, person = await self.noted("person.erase", user_id, caller)
        data = {"known_as": msgspec.to_builtins(body.known_as), "is_demanded": True}
        at = await self.publish(user_id, ("user.deleted", data), trace)
        return json_response(msgspec.json.encode(Erasing(person, rfc3339(at))), trace.request_id, 202)


_KNOWN = Everything(
    USER,
    {"consents": [{"purpose": "marketing", "action": "granted"}], "messages": [], "requests": []},
    {"contacts": [{"email": {"sealed": "anna@example.com", "is_valid": True}}]},
)
EXPORT = Operation(
    summary="Export a person",
    about="All that is known of a user: rows of the database, and what the pipeline keeps, in clear. It "
    "reads a partition of a topic whole, so it may take some seconds.",
    answers=(Answer(200, "What is known.", Everything, {"one": _KNOWN}),),
    refusals=(BAD_USER, AWAY, NO_BROKER),
    variables=(USER_ID,),
)
ERASE = Operation(
    summary="Erase a person",
    about="As the event `user.deleted`: nothing that waits is sent, contacts and choices go, rows become "
    "nobody's, and consents and unsubscribes stay under a keyed hash. Done within seconds; see "
    "docs/security.md for what topics still hold, and for how long.",
    body=Body(
        ErasureBody,
        f"At most {LARGEST_BODY} bytes.",
        {"names": ErasureBody([AudienceName("yandex_uid", "4001")])},
    ),
    answers=(Answer(202, "It is on its way.", Erasing, {"one": Erasing(NAME, AT)}),),
    refusals=(*WRITING, AWAY),
    variables=(USER_ID,),
)
