"""What the audience endpoints say of themselves in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from connectors.http.audience import bodies as b
from connectors.http.audience.progress import StatusAnswer, StatusItem
from connectors.http.audience.reading import KEY_HEADER, TOKEN_HEADER
from connectors.http.audience.slots import LARGEST_BODY, MOST_VALUES, RETRY_SOON, SMALL_BODY
from connectors.http.limits import PER_KEY, too_soon
from connectors.http.operation import ANY_TEXT, Answer, Body, Header, Operation, Variable
from connectors.http.problems import Code, Fault, ProblemError
from schemas.audience_words import IdType, LabelStatus, ValueType

PUBLISH_PATH = "/communications-audience/v1/publish"
UNPUBLISH_PATH = "/communications-audience/v1/unpublish"
STATUS_PATH = "/communications-audience/v1/status"
ADMIN_PATH = "/admin/promotions/publish/"
SIZE = f"At most {LARGEST_BODY >> 20} MiB and {MOST_VALUES} commas."
SMALL = f"At most {SMALL_BODY >> 10} KiB."
TOKENS = (
    Header(TOKEN_HEADER, "Names the request for 24 hours, 1 to 64 characters; else `id` does.", "token-1"),
    Header(KEY_HEADER, f"The same as `{TOKEN_HEADER}`; one of the two is enough.", "token-1"),
)
STARTS, ENDS = "2025-06-01T00:00:00+03:00", "2025-06-08T00:00:00+03:00"

_REFUSALS = (
    ProblemError(Code.INVALID_JSON),
    ProblemError(Code.INVALID_FIELD, [Fault("/communication/end_date", "is not after start_date")]),
    ProblemError(Code.REQUEST_TIMEOUT),
    ProblemError(Code.CONFLICT, [Fault("", "label campaign12345 was withdrawn")]),
    ProblemError(Code.TOO_LARGE),
    ProblemError(Code.THROTTLED, headers=too_soon(PER_KEY, 2)),
    ProblemError(Code.BUSY, headers=RETRY_SOON),
    ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON),
)
_LABELLED = b.LabelledAnswer("req-0001", [b.LabelInfo("comm-personal", "campaign12345:comm-personal")])
_PERSONAL = b.PersonalCommunication(
    users=[b.User(id_type=IdType.YANDEX_UID, id="4001"), b.User(id_type=IdType.PHONE_ID, id="5b2c")],
    communication_id="comm-personal",
)
_GENERAL = b.Communication(communication_id="comm-general", start_date=STARTS, end_date=ENDS)
_FILTERS = b.Filters(
    filters=[
        b.Filter(filter_id="is_new_user", value_type=ValueType.BOOLEAN, value=True),
        b.Filter(filter_id="city", value_type=ValueType.STRING, values=["a", "b"]),
    ]
)


def _publish(**fields: Any) -> b.PublishBody:
    return b.PublishBody(id="req-0001", campaign_label="campaign12345", communication=_GENERAL, **fields)


PUBLISH = Operation(
    summary="Publish communications to an audience",
    about=(
        "To listed users, to everyone whom filters select, or to listed users where filters select them."
        " Requests of one campaign add up; other dates or content of a label that exists are a conflict,"
        " and so is a label that would be more than 1 000 of its campaign."
        " 200 means that the request is durable and its labels are assigned; users are labelled afterwards."
        " Repeat it with the same token after a broken connection, 408, 429, 500 and 503: the answer is the"
        " same."
    ),
    headers=TOKENS,
    body=Body(
        b.PublishBody,
        SIZE,
        {
            "to users": _publish(personal_communications=[_PERSONAL]),
            "by filters": _publish(filters=_FILTERS),
            "to users who satisfy filters": _publish(personal_communications=[_PERSONAL], filters=_FILTERS),
        },
    ),
    answers=(Answer(200, "Durable, with its labels.", b.LabelledAnswer, {"published": _LABELLED}),),
    refusals=_REFUSALS,
)
UNPUBLISH = Operation(
    summary="Withdraw what was published",
    about=(
        "A label, or all labels of a campaign. It is shown no longer from the answer on, and its entries are"
        " removed afterwards. A withdrawn label is never used again."
    ),
    headers=TOKENS,
    body=Body(
        b.UnpublishBody,
        SMALL,
        {
            "a campaign": b.UnpublishBody(id="req-0002", campaign_label="campaign12345"),
            "a part": b.UnpublishBody(id="req-0003", audience_label="campaign12345:comm-personal"),
        },
    ),
    answers=(Answer(200, "Withdrawn.", b.LabelledAnswer, {"withdrawn": _LABELLED}),),
    refusals=(*_REFUSALS, ProblemError(Code.UNKNOWN_LABEL)),
)
STATUS = Operation(
    summary="How far the labelling of users has come",
    about=(
        "Ask for exactly one of a label, a campaign and a request. A request is known for 7 days; an `id`"
        " that came with more than 300 labels shows the last 300."
    ),
    variables=(
        Variable("audience_label", "One label.", ANY_TEXT, "campaign12345:comm-personal", "query"),
        Variable("campaign_label", "All labels of a campaign.", ANY_TEXT, "campaign12345", "query"),
        Variable("id", "What one request brought.", ANY_TEXT, "req-0001", "query"),
    ),
    answers=(
        Answer(
            200,
            "Counted users by label; `done` is what was accepted so far.",
            StatusAnswer,
            {
                "half": StatusAnswer(
                    [
                        StatusItem(
                            "campaign12345:comm-personal",
                            "comm-personal",
                            LabelStatus.IN_PROGRESS,
                            total=1000,
                            processed=500,
                            failed=0,
                            updated_at="2025-06-01T00:00:00Z",
                        )
                    ]
                )
            },
        ),
    ),
    refusals=(
        ProblemError(Code.INVALID_FIELD, [Fault("", "ask for exactly one")]),
        ProblemError(Code.UNKNOWN_LABEL),
        ProblemError(Code.THROTTLED, headers=too_soon(PER_KEY, 2)),
        ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON),
    ),
)
ADMIN = Operation(
    summary="Publish promotion with given id",
    about=(
        "The old form, kept for its callers: one promotion, to everyone in an experiment or to the users whom"
        " a query selects. That is asked of a resolver that the installation names: without one, or when it"
        " does not answer, that is a 502, and nothing was published."
    ),
    body=Body(
        b.AdminPublishBody,
        SMALL,
        {
            "by experiment": b.AdminPublishBody(
                promotion_id="comm-general",
                experiment="newcomers",
                yql_link=UNSET,
                start_date=STARTS,
                end_date=ENDS,
                ticket="TASK-1",
            ),
            "to whom a query selects": b.AdminPublishBody(
                promotion_id="comm-general",
                experiment=UNSET,
                yql_link="https://yql.example/queries/7",
                start_date=STARTS,
                end_date=ENDS,
                ticket="TASK-1",
            ),
        },
    ),
    answers=(Answer(200, "Published.", dict[str, Any], {"published": {}}),),
    refusals=(*_REFUSALS, ProblemError(Code.NO_RESOLVER, [Fault("/yql_link", "none is configured")])),
    has_plain_errors=True,
)
