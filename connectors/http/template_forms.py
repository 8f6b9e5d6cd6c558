"""What the document says of each route of templates (NS-API-010…019, NS-TPL-OP-07)."""

from __future__ import annotations

from typing import Final

from connectors.http.operation import Answer, Body, Header, Operation, Variable
from connectors.http.problems import Code, Fault, ProblemError
from connectors.http.template_bodies import (
    LANGUAGE,
    NAME,
    PreviewBody,
    PreviewShown,
    RollbackBody,
    TemplateBody,
    TemplateShown,
    TemplatesShown,
    TrialBody,
    TrialQueued,
    VersionShown,
    VersionsShown,
    texts_of,
)
from connectors.templates.variables import data_schema
from schemas.words import Channel

PATH: Final = "/api/v1/notifications/templates"
ONE: Final = f"{PATH}/{{id}}"
VERSIONS: Final = f"{ONE}/versions"
ROLLBACK: Final = f"{ONE}/rollback"
PREVIEW: Final = f"{ONE}/preview"
TRIAL: Final = f"{ONE}/test-send"
LARGEST_PAGE: Final = 1_000_000
MOST: Final = 100
USUAL: Final = 20

_BODY = TemplateBody(
    name="welcome_email",
    channel_type=Channel.EMAIL,
    language_code="ru",
    subject="Welcome to the platform",
    body="Hello, {{.UserName}}! Thank you for registering...",
    variables={"UserName": "string"},
)
_SHOWN = TemplateShown(
    id="0d6c3a52-3a52-4c0e-9d5f-2f4b1f0a9c11",
    **texts_of(_BODY.template()),
    name=_BODY.name,
    channel_type="email",
    language_code="ru",
    parts=[],
    data_schema=data_schema(_BODY.template().variables),
    is_filed=False,
    warnings=[],
    created_at="2026-11-22T01:00:00Z",
    updated_at=None,
)
_VERSION = VersionShown(
    **texts_of(_BODY.template()), parts={}, author="editor", created_at="2026-11-22T01:00:00Z"
)
_PREVIEW = PreviewShown(subject="Welcome", title=None, body="Hello, Ann!", body_text=None, sms=None)

_RETRY: Final = {"Retry-After": "1"}
_ID = Variable("id", "The template's id.", {"type": "string", "format": "uuid"}, _SHOWN.id)
_LIMIT = Variable(
    "limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": MOST}, USUAL, "query"
)
_IF_MATCH = Header("If-Match", "The version that the change was made for, as `ETag` told it.", '"1"')
_KEY = Header("Idempotency-Key", "1 to 255 characters; a repeat makes nothing new.", "5f0c2c8e")
_READING = (ProblemError(Code.DATABASE_UNAVAILABLE, headers=_RETRY),)
_WRITING = (*_READING, ProblemError(Code.BROKER_UNAVAILABLE, headers=_RETRY))
_NONE = ProblemError(Code.NOT_FOUND)
_TAKING = (
    ProblemError(Code.INVALID_JSON),
    ProblemError(Code.INVALID_FIELD, [Fault("/name", "is missing")]),
    ProblemError(Code.TOO_LARGE),
)
_INVALID = ProblemError(Code.INVALID_TEMPLATE, [Fault("", "undeclared variables: UserName")])
_STALE = ProblemError(Code.STALE, [Fault("", "version 2 is in force")])
_ABOUT = (
    " When this is answered, the change is in the database and on every in-sync replica of the topic that"
    " workers read. After a 503 `broker_unavailable` it is in the database, and goes to the workers once the"
    " broker is back; to repeat it is harmless."
)
CREATE: Final = Operation(
    "Create a template",
    "Makes a name, channel and language; a marketer those of category `marketing`, under a name that"
    " nothing of another category uses, and no parts. A repeat with the same `Idempotency-Key` gets what the"
    " first one made, with `Idempotent-Replayed: true`." + _ABOUT,
    (Answer(201, "The template.", TemplateShown, {"made": _SHOWN}, headers=("ETag", "Location")),),
    (
        *_TAKING,
        _INVALID,
        ProblemError(Code.DUPLICATE, [Fault("", f"template {_SHOWN.id} has this name")]),
        ProblemError(Code.OTHER_REQUEST),
        *_WRITING,
    ),
    Body(TemplateBody, "The template.", {"welcome": _BODY}),
    (_KEY,),
)
LIST: Final = Operation(
    "List templates",
    "Templates in force by name, channel and language.",
    (Answer(200, "Some of them.", TemplatesShown, {"one": TemplatesShown([_SHOWN], 1, USUAL, 1, None)}),),
    (ProblemError(Code.INVALID_FIELD, [Fault("", "limit: must be 1 to 100")]), *_READING),
    variables=(
        Variable(
            "channel_type", "Of this channel.", {"enum": [each.value for each in Channel]}, "email", "query"
        ),
        Variable(
            "language_code", "Of this language.", {"type": "string", "pattern": LANGUAGE}, "ru", "query"
        ),
        Variable("name", "Of this name.", {"type": "string", "pattern": NAME}, "welcome_email", "query"),
        Variable("page", "From 1.", {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}, 1, "query"),
        Variable("cursor", "`next` of the page before, instead of `page`.", {"type": "string"}, "", "query"),
        _LIMIT,
    ),
)
GET: Final = Operation(
    "Read a template",
    "The version in force.",
    (Answer(200, "The template.", TemplateShown, {"found": _SHOWN}, headers=("ETag",)),),
    (_NONE, *_READING),
    variables=(_ID,),
)
EDIT: Final = Operation(
    "Edit a template",
    "Writes the next version; what is so already stays. Name, channel and language cannot change."
    " A marketer edits what he may create." + _ABOUT,
    (Answer(200, "The template.", TemplateShown, {"edited": _SHOWN}, headers=("ETag",)),),
    (*_TAKING, _INVALID, _NONE, _STALE, *_WRITING),
    Body(TemplateBody, "The whole template.", {"welcome": _BODY}),
    (_IF_MATCH,),
    (_ID,),
)
DELETE: Final = Operation(
    "Delete a template",
    "Marks it as deleted. Refused while a notification type or another template would miss it." + _ABOUT,
    (Answer(204, "It is gone.", None, {}),),
    (_NONE, ProblemError(Code.IN_USE, [Fault("", "type:welcome")]), _STALE, *_WRITING),
    headers=(_IF_MATCH,),
    variables=(_ID,),
)
SHOW_VERSIONS: Final = Operation(
    "List versions",
    "Every text that was ever in force, the newest first.",
    (Answer(200, "Versions.", VersionsShown, {"one": VersionsShown([_VERSION], USUAL, None)}),),
    (ProblemError(Code.INVALID_FIELD, [Fault("", "limit: must be 1 to 100")]), _NONE, *_READING),
    variables=(
        _ID,
        Variable(
            "below",
            "Versions below this one.",
            {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
            2,
            "query",
        ),
        _LIMIT,
    ),
)
ROLL_BACK: Final = Operation(
    "Roll back",
    "Writes the next version with the text of an older one, and with today's layouts and partials." + _ABOUT,
    (Answer(200, "The template.", TemplateShown, {"rolled back": _SHOWN}, headers=("ETag",)),),
    (*_TAKING, _INVALID, _NONE, _STALE, *_WRITING),
    Body(RollbackBody, "The version.", {"first": RollbackBody(1)}),
    (_IF_MATCH,),
    (_ID,),
)
SHOW_PREVIEW: Final = Operation(
    "Preview",
    "Renders without sending. With `message_id` it takes the data of a message: not for marketers.",
    (Answer(200, "What the user would get.", PreviewShown, {"welcome": _PREVIEW}),),
    (
        *_TAKING,
        ProblemError(Code.RENDER_FAILED, [Fault("", "variable `UserName` is missing")]),
        _NONE,
        *_READING,
    ),
    Body(PreviewBody, "The data.", {"Ann": PreviewBody(data={"UserName": "Ann"})}),
    (),
    (_ID,),
)
SEND_TRIAL: Final = Operation(
    "Test send",
    "Sends one message to one address, past preferences and caps, as notification type `template_trial`."
    " A repeat with the same `Idempotency-Key` has the same id; after a 503 it may arrive twice.",
    (Answer(202, "On its way, on every in-sync replica.", TrialQueued, {"queued": TrialQueued(_SHOWN.id)}),),
    (
        *_TAKING,
        ProblemError(Code.RENDER_FAILED, [Fault("", "variable `UserName` is missing")]),
        _NONE,
        *_WRITING,
    ),
    Body(TrialBody, "Whom and what.", {"Ann": TrialBody(recipient="ann@carillon.test", samples=True)}),
    (_KEY,),
    (_ID,),
)
