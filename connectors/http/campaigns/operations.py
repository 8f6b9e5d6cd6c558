"""What the read of campaigns says of itself in the OpenAPI document."""

from __future__ import annotations

from connectors.http.audience.bodies import User
from connectors.http.campaigns import bodies as b
from connectors.http.campaigns.reading import LARGEST_BODY
from connectors.http.operation import Answer, Body, Operation, Variable
from connectors.http.problems import Code, Fault, ProblemError
from schemas.audience_words import IdType

PATH = "/inapp-communications/v1/campaigns"
SUMMARY = "What to show a person now"
ABOUT = (
    "The labels that a person has, known by several identifiers at once: the answer is their union; what was"
    " seen under any of them is left out, test publications excepted. Only labels whose time it is, and whose"
    " filters the context satisfies. Fresh within a second. Repeat after 500 and 503; a process that does not"
    " answer these questions says 404."
)
_LABEL = b.LabelShown(
    campaign_label="campaign12345",
    audience_label="campaign12345:comm-personal",
    communication_id="comm-personal",
    starts_at="2025-05-31T21:00:00Z",
    ends_at="2025-06-02T21:00:00Z",
    is_test_publication=False,
)
_CONTENT = b.CommunicationShown(
    communication_id="comm-personal", kind="fullscreen", content={"title": "Spring sale"}
)
ANSWER = Answer(
    200,
    "Labels by their start; maybe none.",
    b.CampaignsAnswer,
    {
        "labels": b.CampaignsAnswer(labels=[_LABEL]),
        "with content": b.CampaignsAnswer(labels=[_LABEL], communications=[_CONTENT]),
        "nothing": b.CampaignsAnswer(labels=[]),
    },
)
_REFUSALS = (
    ProblemError(Code.INVALID_FIELD, [Fault("/users/0/id_type", "Invalid enum value 'uuid'")]),
    ProblemError(Code.NOT_FOUND),
    ProblemError(Code.CATCHING_UP, headers={"Retry-After": "1"}),
)
_LIST = {"type": "array", "minItems": 1, "maxItems": b.MOST_IDS}
BY_QUERY = Operation(
    summary=SUMMARY,
    about=f"{ABOUT} Identifiers in an address end up in logs: where that matters, `POST`.",
    variables=(
        Variable(
            "id_type",
            "Kinds of the identifiers, one for each `id`, in the same order.",
            {**_LIST, "items": {"type": "string", "enum": [kind.value for kind in IdType]}},
            [IdType.PHONE_ID.value, IdType.YANDEX_UID.value],
            "query",
            is_needed=True,
            style="form",
        ),
        Variable(
            "id",
            "Their values.",
            {**_LIST, "items": {"type": "string", "minLength": 1, "maxLength": 256}},
            ["5b2c", "4001"],
            "query",
            is_needed=True,
            style="form",
        ),
        Variable(
            "include",
            "`content`: communications, too; `seen`: labels whose communication was seen, too.",
            {"type": "array", "items": {"type": "string", "enum": [one.value for one in b.Include]}},
            [b.Include.CONTENT.value],
            "query",
            style="form",
        ),
        Variable(
            "context",
            "Values of filters, `context[city]=a`, of the filters' types: booleans are `true` and `false`.",
            {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": b.MOST_VALUES},
            {"city": "a"},
            "query",
            style="deepObject",
        ),
    ),
    answers=(ANSWER,),
    refusals=_REFUSALS,
)
BY_BODY = Operation(
    summary=f"{SUMMARY}, asked in a body",
    about=ABOUT,
    body=Body(
        b.CampaignsBody,
        f"At most {LARGEST_BODY} bytes.",
        {
            "in a context": b.CampaignsBody(
                users=[User(id_type=IdType.PHONE_ID, id="5b2c"), User(id_type=IdType.YANDEX_UID, id="4001")],
                context={"city": "a", "is_new_user": True, "min_trips": 3},
                include=[b.Include.CONTENT],
            )
        },
    ),
    answers=(ANSWER,),
    refusals=(
        ProblemError(Code.INVALID_JSON),
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.REQUEST_TIMEOUT),
        *_REFUSALS,
    ),
)
