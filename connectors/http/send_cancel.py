"""`POST /api/v1/notifications/send/{id}/cancel`: take a request back that still waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from connectors.http.bodies import refusal, whole
from connectors.http.operation import A_UUID, Answer, Body, Operation, Variable
from connectors.http.problems import Code, Fault, ProblemError, json_response
from connectors.http.send import EXAMPLE_ID, RETRY_SOON, STATE_PATH, USER, Accepted, accept
from connectors.http.send import PATH as SEND_PATH
from connectors.http.send_form import UUID, Asked, source_of
from connectors.postgres.why import as_uuid
from schemas.codec import encode_json
from schemas.ids import subject_key
from schemas.records import CancelRequest
from schemas.topics import CANCEL_REQUEST

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH = f"{SEND_PATH}/{{id}}/cancel"
LARGEST_BODY = 4 * 1024


class CancelBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whose request it is."""

    user_id: Annotated[
        str,
        Meta(
            pattern=UUID,
            min_length=36,
            max_length=36,
            description="The user whom it was to notify: requests are kept by user.",
        ),
    ]


OPERATION = Operation(
    summary="Take a request back",
    about=(
        "202 says that the cancel is durable. It ends your own request if that waits for its"
        " `scheduled_at` or for an address of its user: the request is told as `cancelled`. It also ends"
        " one that is still on its way. What went to a channel stays sent: the request is told as before,"
        " and the cancel beside it as `noted`. Repeat it after a 503; any number of cancels is one."
    ),
    variables=(Variable("id", "Of the request, as `/send` answered it.", A_UUID, EXAMPLE_ID),),
    body=Body(CancelBody, f"At most {LARGEST_BODY} bytes.", {"cancel": CancelBody(USER)}),
    answers=(
        Answer(202, "It is durable.", Accepted, {"accepted": Accepted(EXAMPLE_ID)}, headers=("Location",)),
    ),
    refusals=(
        ProblemError(Code.INVALID_JSON),
        ProblemError(Code.INVALID_FIELD, [Fault("/user_id", "is missing")]),
        ProblemError(Code.NOT_FOUND),
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.REQUEST_TIMEOUT),
        ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON),
    ),
)
_DECODER = msgspec.json.Decoder(CancelBody)


class CancelPost:
    """The handler."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer one cancel."""
        source, asked = source_of(caller), as_uuid(request.match_info["id"])
        if asked is None:
            raise ProblemError(Code.NOT_FOUND)
        if (request.content_length or 0) > LARGEST_BODY:
            raise ProblemError(Code.TOO_LARGE)
        user = _user(await whole(request))
        record = CancelRequest(request_id=str(asked), user_id=user)
        one = Asked(record.request_id, subject_key(user), encode_json(record))
        await accept(self._ports, CANCEL_REQUEST, [one], source, trace)
        self._ports.metrics.accepted("cancel", 1)
        location = {"Location": f"{STATE_PATH}/{asked}"}
        return json_response(msgspec.json.encode(Accepted(str(asked))), trace.request_id, 202, location)


def _user(raw: bytes) -> str:
    if len(raw) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    try:
        return _DECODER.decode(raw).user_id.lower()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusal(raw, CancelBody) from None
