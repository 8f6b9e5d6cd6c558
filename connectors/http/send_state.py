"""`GET …/stats/messages/{id}`: the whole way of a request or message, with its reasons (NS-API-062).

The same rows as those of `carillon why`. Addresses, contents and variables are not among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from connectors.http.operation import A_UUID, Answer, Operation, Variable
from connectors.http.problems import Code, ProblemError, json_response
from connectors.http.send import EXAMPLE_ID, RETRY_SOON, STATE_PATH, USER
from connectors.http.state_forms import CancelState, MessageState, RequestState, State, StatusState
from connectors.postgres.errors import PostgresUnavailableError
from connectors.postgres.why import as_uuid
from schemas.times import rfc3339
from schemas.words import REASONS, Outcome, Reason

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from connectors.postgres.why import Explanation, MessageFound, RequestFound

PATH = f"{STATE_PATH}/{{id}}"
EXAMPLE_AT = "2026-11-22T09:00:00.120Z"

EXAMPLE = State(
    EXAMPLE_ID,
    "accepted",
    [
        RequestState(
            EXAMPLE_ID,
            "shop",
            "order-123-confirmed",
            USER,
            "order_confirmation",
            "high",
            EXAMPLE_AT,
            EXAMPLE_AT,
            Outcome.ACCEPTED,
            None,
            None,
            "type.default_channels",
            "email,push",
            ["email"],
        )
    ],
    [],
    [],
)
OPERATION = Operation(
    summary="What became of a request or message",
    about=(
        "By the id of either, the whole way with its reasons: each record that came in under the request"
        " and what decided it, its messages, all that became known of each. Rows are written about a"
        " second behind the 202; 404 until then, and once they are older than they are kept."
    ),
    variables=(Variable("id", "Of a request or of a message.", A_UUID, EXAMPLE_ID),),
    answers=(Answer(200, "It is known.", State, {"accepted": EXAMPLE}),),
    refusals=(ProblemError(Code.NOT_FOUND), ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON)),
)


class StateGet:
    """The handler."""

    def __init__(self, ports: EdgePorts) -> None:
        self._explain = ports.explain

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer what is known."""
        asked = as_uuid(request.match_info["id"])
        if asked is None:
            raise ProblemError(Code.NOT_FOUND)
        try:
            found = await self._explain(asked)
        except PostgresUnavailableError:
            raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON) from None
        if found.is_empty:
            raise ProblemError(Code.NOT_FOUND)
        return json_response(msgspec.json.encode(state(str(asked), found)), trace.request_id)


def state(asked: str, found: Explanation) -> State:
    """What was found, in the words of the document."""
    requests = [one for one in found.requests if one.outcome != Outcome.NOTED]
    cancels = [one for one in found.requests if one.outcome == Outcome.NOTED]
    return State(
        id=asked,
        status=_status(asked, found),
        requests=[_request(one) for one in requests],
        cancels=[
            CancelState(
                one.source, rfc3339(one.decided_at), Outcome(one.outcome), one.reason, about(one.reason)
            )
            for one in cancels
        ],
        messages=[_message(one) for one in found.messages],
    )


def about(reason: str | None) -> str | None:
    """The sentence of a reason; of one that this version does not know, none."""
    try:
        return None if reason is None else REASONS[Reason(reason)]
    except ValueError:
        return None


def _status(asked: str, found: Explanation) -> str:
    for message in found.messages:
        if message.message_id == asked:
            return message.status
    own = [one.outcome for one in found.requests if one.request_id == asked]
    ends = [outcome for outcome in own if outcome != Outcome.NOTED] or own
    return ends[-1] if ends else found.messages[-1].status


def _request(one: RequestFound) -> RequestState:
    return RequestState(
        request_id=one.request_id,
        source=one.source,
        idempotency_key=one.idempotency_key,
        user_id=one.user_id,
        notification_type=one.notification_type,
        priority=one.lane,
        received_at=rfc3339(one.received_at),
        decided_at=rfc3339(one.decided_at),
        outcome=Outcome(one.outcome),
        reason=one.reason,
        about=about(one.reason),
        rule=one.rule,
        value=one.value,
        channels=list(one.channels),
    )


def _message(one: MessageFound) -> MessageState:
    return MessageState(
        message_id=one.message_id,
        request_id=one.request_id,
        channel=one.channel,
        priority=one.lane,
        status=one.status,
        reason=one.reason,
        about=about(one.reason),
        details=one.details,
        template=one.template,
        template_version=one.template_version,
        language=one.language,
        provider=one.provider,
        provider_message_id=one.provider_message_id,
        attempts=one.attempts,
        created_at=rfc3339(one.created_at),
        scheduled_at=_time(one.scheduled_at),
        expires_at=_time(one.expires_at),
        sent_at=_time(one.sent_at),
        delivered_at=_time(one.delivered_at),
        updated_at=_time(one.updated_at),
        segments=one.segments,
        cost=None if one.cost is None else f"{one.cost.normalize():f}",
        history=[StatusState(line.status, rfc3339(line.at), line.details) for line in one.log],
    )


def _time(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
