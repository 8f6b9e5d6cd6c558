"""`/api/v1/notifications/keys`: API keys made, changed over and taken back by an admin (NS-SEC-010, 011)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from connectors.access.actor import Actor
from connectors.access.keys import GRACE_MS, SCOPES, TooManyKeysError, Wanted
from connectors.http.access import PREFIX
from connectors.http.operation import Answer, Body, Operation, Variable
from connectors.http.problems import Code, Fault, ProblemError, json_response
from connectors.postgres.errors import PostgresUnavailableError
from schemas.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connectors.access.desk import Kept, KeyDesk
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from schemas.records import ApiKey

    Do = Callable[[KeyDesk, web.Request, Actor], Awaitable[tuple[int, bytes]]]

PATH = f"{PREFIX}/keys"
ONE = f"{PATH}/{{key_id}}"
ROTATE = f"{ONE}/rotate"
LARGEST_BODY = 4_096
LONGEST_GRACE_S, LONGEST_LIFE_S = 30 * 86_400, 10 * 366 * 86_400
FULL = Fault("", "the service has two live keys of this kind; revoke one of them")
SOON = {"Retry-After": "1"}


class NewKey(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What the key is to be. Numbers are whole ones, as JSON knows them: `60.0` is as good as `60`."""

    service: Annotated[
        str, Meta(pattern=r"^[a-z][a-z0-9.-]{0,99}$", description="Who will use it; two live keys each.")
    ]
    scopes: Annotated[
        list[Annotated[str, Meta(pattern=f"^({'|'.join(SCOPES)})$")]],
        Meta(min_length=1, max_length=len(SCOPES), description="Which groups of routes it opens."),
    ]
    is_test: Annotated[bool, Meta(description="A `ck_test_` key.")] = False
    lives_s: (
        Annotated[
            float,
            Meta(
                ge=1, le=LONGEST_LIFE_S, multiple_of=1, description="It ends by itself after so many seconds."
            ),
        ]
        | None
    ) = None
    per_minute: (
        Annotated[
            float,
            Meta(ge=1, le=10_000_000, multiple_of=1, description="Its own limit of requests a minute."),
        ]
        | None
    ) = None


class Rotation(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How long the old key goes on."""

    grace_s: Annotated[
        float,
        Meta(ge=0, le=LONGEST_GRACE_S, multiple_of=1, description="Seconds that the old key still lives."),
    ] = GRACE_MS // 1000


class KeyShown(msgspec.Struct, omit_defaults=True):
    """A key as anybody may see it: neither it nor its hash. Times in RFC 3339."""

    key_id: str
    service: str
    scopes: list[str]
    created_at: str
    is_test: bool = False
    per_minute: int | None = None
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: Annotated[str | None, Meta(description="To the hour.")] = None


class KeyMade(msgspec.Struct):
    """A new key."""

    secret: Annotated[str, Meta(description="The key itself. It is shown this once and kept nowhere.")]
    key: KeyShown


class KeyList(msgspec.Struct):
    """All keys, those that ended too."""

    items: list[KeyShown]


_EXAMPLE = KeyShown("0f3a5c7e9b1d", "orders", ["send"], "2026-11-22T01:00:00Z")
_MADE = KeyMade("ck_live_0f3a5c7e9b1d_" + "x" * 43, _EXAMPLE)
_ID = Variable("key_id", "Which key.", {"type": "string", "pattern": "^[0-9a-f]{12}$"}, "0f3a5c7e9b1d")
_AWAY = ProblemError(Code.DATABASE_UNAVAILABLE, headers=SOON)
_WRONG = (
    ProblemError(Code.INVALID_JSON),
    ProblemError(Code.INVALID_FIELD, [Fault("/service", "is missing")]),
    ProblemError(Code.TOO_LARGE),
)
_FULL = ProblemError(Code.CONFLICT, [FULL])
_NONE = ProblemError(Code.NOT_FOUND)

CREATE = Operation(
    "Make an API key",
    "For a service. The key is in this answer and nowhere else; every HTTP process knows it within seconds.",
    (Answer(201, "The key.", KeyMade, {"made": _MADE}),),
    (*_WRONG, _FULL, _AWAY),
    Body(NewKey, "What the key is to be.", {"key": NewKey("orders", ["send"])}),
)
LIST = Operation(
    "List API keys",
    "By service and age. No key can be read back.",
    (Answer(200, "The keys.", KeyList, {"one": KeyList([_EXAMPLE])}),),
    (_AWAY,),
)
REVOKE = Operation(
    "Take an API key back",
    "It opens nothing within seconds, and for ever. Repeating it changes nothing.",
    (Answer(204, "It is revoked.", None, {}),),
    (_NONE, _AWAY),
    variables=(_ID,),
)
CHANGE_OVER = Operation(
    "Change an API key over",
    "A successor with the same scopes; the old key lives on for a time of grace.",
    (Answer(201, "The successor.", KeyMade, {"made": _MADE}),),
    (*_WRONG, _NONE, _FULL, _AWAY),
    Body(Rotation, "How long the old key goes on.", {"a day": Rotation(86_400)}),
    variables=(_ID,),
)


async def create(desk: KeyDesk, request: web.Request, actor: Actor) -> tuple[int, bytes]:
    """Make a key."""
    wanted = await body_of(request, NewKey)
    made = await desk.create(
        Wanted(
            wanted.service,
            tuple(wanted.scopes),
            wanted.is_test,
            None if wanted.lives_s is None else int(wanted.lives_s) * 1000,
            None if wanted.per_minute is None else int(wanted.per_minute),
        ),
        actor,
    )
    return 201, msgspec.json.encode(KeyMade(made.secret, shown(made.record)))


async def show(desk: KeyDesk, _request: web.Request, _actor: Actor) -> tuple[int, bytes]:
    """List keys."""
    return 200, msgspec.json.encode(KeyList([listed(kept) for kept in await desk.listed()]))


async def revoke(desk: KeyDesk, request: web.Request, actor: Actor) -> tuple[int, bytes]:
    """End a key."""
    if not await desk.revoke(request.match_info["key_id"], actor):
        raise _NONE
    return 204, b""


async def rotate(desk: KeyDesk, request: web.Request, actor: Actor) -> tuple[int, bytes]:
    """Make a key's successor."""
    grace_ms = int((await body_of(request, Rotation)).grace_s) * 1000
    made = await desk.rotate(request.match_info["key_id"], grace_ms, actor)
    if made is None:
        raise _NONE
    return 201, msgspec.json.encode(KeyMade(made.secret, shown(made.record)))


def handling(do: Do) -> Callable[[EdgePorts], Callable[..., Awaitable[web.Response]]]:
    """A handler that asks the desk; away is a 503, one key too many a 409."""

    def make(ports: EdgePorts) -> Callable[..., Awaitable[web.Response]]:
        async def handle(request: web.Request, caller: Caller, trace: Trace) -> web.Response:
            if ports.keys is None:
                raise _AWAY
            try:
                status, body = await do(
                    ports.keys, request, Actor(caller.actor_id, caller.role, caller.address)
                )
            except TooManyKeysError:
                raise _FULL from None
            except PostgresUnavailableError:
                raise _AWAY from None
            return json_response(body, trace.request_id, status)

        return handle

    return make


async def body_of(request: web.Request, form: type[Any]) -> Any:
    """The body as one of the forms, or `ProblemError`."""
    if (request.content_length or 0) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    raw = await request.read()
    if len(raw) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    try:
        return msgspec.json.decode(raw, type=form)
    except msgspec.ValidationError as error:
        raise ProblemError(Code.INVALID_FIELD, [_fault(str(error))]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(Code.INVALID_JSON) from None


def listed(kept: Kept) -> KeyShown:
    """A key with its last use."""
    found = shown(kept.record)
    return (
        found
        if kept.last_used_at is None
        else msgspec.structs.replace(found, last_used_at=rfc3339(kept.last_used_at))
    )


def shown(key: ApiKey) -> KeyShown:
    """A key without what is secret."""
    return KeyShown(
        key.key_id,
        key.service,
        key.scopes,
        rfc3339(key.created_at),
        key.is_test,
        key.per_minute,
        None if key.expires_at is None else rfc3339(key.expires_at),
        None if key.revoked_at is None else rfc3339(key.revoked_at),
    )


def _fault(text: str) -> Fault:
    """The decoder's words, and where: `… - at `$.service`` is `/service`."""
    about, _, where = text.partition(" - at `$")
    return Fault(where.rstrip("`").replace(".", "/").partition("[")[0], about)
