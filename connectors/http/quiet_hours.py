"""`PUT` and `DELETE /preferences/{user_id}/quiet-hours`: when a user is not to be disturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from connectors.http.operation import Answer, Body, Operation
from connectors.http.preference_forms import QuietBody, QuietShown
from connectors.http.preference_operations import AT, AWAY, BAD_USER, NO_BROKER, UP_TO, USER_ID, WRITING
from connectors.http.preferences import PATH as OF_USER
from connectors.http.preferences import Handler, body_of, user_in
from connectors.http.problems import SERVER, Code, Fault, ProblemError, json_response
from schemas.times import rfc3339

if TYPE_CHECKING:
    from connectors.http.policies import Caller
    from connectors.http.traces import Trace

PATH = f"{OF_USER}/quiet-hours"
EVENT = "user.quiet_hours_changed"
NIGHT = QuietBody("22:00", "08:00", "Europe/Moscow")
SET = Operation(
    summary="Set quiet hours",
    about=(
        "Every day from one time to another where the user is, across midnight too, and in summer time."
        " What is neither mandatory nor of high priority waits for the end. They win over a type's;"
        ' `{"is_enabled": false}`: he wants none. For what is made from now on.'
    ),
    body=Body(QuietBody, UP_TO, {"night": NIGHT, "none": QuietBody(is_enabled=False)}),
    answers=(
        Answer(
            200,
            "As they are from now on.",
            QuietShown,
            {"night": QuietShown(True, "22:00", "08:00", "Europe/Moscow", AT)},  # noqa: FBT003
        ),
    ),
    refusals=(*WRITING, ProblemError(Code.INVALID_FIELD, [Fault("", "`timezone` is no zone of IANA")])),
    variables=(USER_ID,),
)
FORGET = Operation(
    summary="Forget quiet hours",
    about="Those of each type hold again.",
    answers=(Answer(204, "It is taken.", None, {}),),
    refusals=(BAD_USER, NO_BROKER, AWAY),
    variables=(USER_ID,),
)


class SetQuiet(Handler):
    """`PUT`."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer what holds from now on."""
        user_id = user_in(request)
        body = await body_of(request, QuietBody)
        if body.is_enabled and body.start is None:
            raise ProblemError(Code.INVALID_FIELD, [Fault("/from", "is missing")])
        at = await self.publish(user_id, (EVENT, said(body)), trace, caller)
        done = QuietShown(body.is_enabled, body.start, body.end, body.timezone, rfc3339(at))
        return json_response(msgspec.json.encode(done), trace.request_id)


class ForgetQuiet(Handler):
    """`DELETE`; again is as good as once."""

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer 204."""
        await self.publish(user_in(request), (EVENT, {}), trace, caller)
        return web.Response(status=204, headers={"Server": SERVER, "X-Request-Id": trace.request_id})


def said(body: QuietBody) -> dict[str, Any]:
    """The data of the event."""
    found: dict[str, Any] = msgspec.to_builtins(body)
    return found
