"""What the mailbox's routes say of themselves in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from connectors.http.access import PREFIX
from connectors.http.mailbox.bodies import ActAnswer, MailboxAnswer
from connectors.http.mailbox.frames import LARGEST_FRAME, ClientFrame, Counts, MessageFrame
from connectors.http.mailbox.gateway import NO_UPGRADE, SOON, WRONG_CURSOR, WRONG_PROTOCOL
from connectors.http.mailbox.handlers import LIMIT, MOST, NO_ACT, WRONG_LIMIT
from connectors.http.operation import Answer, Body, Operation, Variable
from connectors.http.problems import Code, ProblemError

PATH: Final = f"{PREFIX}/mailbox"
ACTS: Final = f"{PATH}/acts"
_EXAMPLE: Final = "3b4c5d6e-0000-8000-8000-000000000001"
_MESSAGE = MessageFrame(
    message_id=_EXAMPLE,
    notification_type="order_confirmation",
    title="Your order",
    body="It is on its way.",
    data={"category": "transactional", "request_id": "3b4c5d6e-0000-8000-8000-000000000002"},
    created_at="2025-06-01T12:00:00Z",
    cursor="1748779200000",
)
_COUNTS = Counts(total=1, unseen=1, unread=1)
_CURSOR: Final[dict[str, Any]] = {"type": "string", "pattern": "^[0-9]{1,16}$"}
_AWAY = (ProblemError(Code.NOT_FOUND), ProblemError(Code.CATCHING_UP, headers=SOON))
CONNECT = Operation(
    summary="Be told of messages in the app",
    about=(
        "A WebSocket of the subprotocol `carillon.v1`. The token comes as a second subprotocol,"
        ' `bearer.<token>`, in `Authorization`, or in the first frame, `{"token": …, "cursor": …}`; never'
        " in the address. Frames, close codes and what a client does with them: docs/clients.md."
    ),
    variables=(
        Variable(
            "cursor",
            "Of the last message that the client has: what came after it is sent. `0`: all there is. Without"
            " it, what no client has confirmed.",
            _CURSOR,
            "1748779200000",
            "query",
        ),
    ),
    answers=(Answer(101, "Frames follow.", None, {}),),
    refusals=(WRONG_CURSOR, WRONG_PROTOCOL, NO_UPGRADE, ProblemError(Code.BUSY, headers=SOON), *_AWAY),
)
SHOW = Operation(
    summary="Messages in the app",
    about="Those of the caller, the newest first. Fresh within a second. Repeat after a 503.",
    variables=(
        Variable("before", "Where the page before this one ended.", _CURSOR, "1748779200000", "query"),
        Variable(
            "limit",
            f"Messages of the page; {LIMIT} without it.",
            {"type": "integer", "minimum": 1, "maximum": MOST},
            LIMIT,
            "query",
        ),
    ),
    answers=(
        Answer(
            200,
            "A page, maybe empty.",
            MailboxAnswer,
            {
                "one": MailboxAnswer(messages=[_MESSAGE], counts=_COUNTS, cursor="1748779200000", next=None),
            },
        ),
    ),
    refusals=(WRONG_CURSOR, WRONG_LIMIT, *_AWAY),
)
ACT = Operation(
    summary="Say what was done with messages in the app",
    about=(
        "One of `ack`, `seen`, `read`, `archive`, as in a frame of the WebSocket. Repeats change nothing;"
        " what is not, or no longer, in the mailbox is passed over."
    ),
    body=Body(ClientFrame, f"At most {LARGEST_FRAME} bytes.", {"read": ClientFrame(read=[_EXAMPLE])}),
    answers=(
        Answer(202, "It is durable.", ActAnswer, {"read": ActAnswer(act="read", message_ids=[_EXAMPLE])}),
    ),
    refusals=(
        NO_ACT,
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.REQUEST_TIMEOUT),
        ProblemError(Code.BROKER_UNAVAILABLE, headers=SOON),
        *_AWAY,
    ),
)
