"""The preferences API as its clients read of it."""

from __future__ import annotations

from connectors.http.operation import Answer, Body, Operation, Variable
from connectors.http.preference_forms import (
    ONE_OR_MANY,
    Changed,
    Confirmed,
    Consent,
    ConsentBody,
    Everything,
    Setting,
    UnsubscribeBody,
    Unsubscribed,
)
from connectors.http.preferences import LARGEST_BODY, PURPOSE, RETRY_SOON
from connectors.http.problems import Code, Fault, ProblemError

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
AT = "2026-11-22T09:30:00.250Z"
CHANNELS = ["email", "push", "sms", "in_app", "all_marketing"]
USER_ID = Variable("user_id", "The user.", {"type": "string", "format": "uuid"}, USER)
CHANNEL = Variable("channel_type", "What to come back to.", {"type": "string", "enum": CHANNELS}, "email")
NAMED = Variable(
    "purpose",
    "`marketing`, or the code of a marketing type.",
    {"type": "string", "pattern": PURPOSE},
    "marketing",
)
NEWS = Setting("news", "News", "social", False, ["email", "push"], ["email"], True, False)  # noqa: FBT003
AWAY = ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY_SOON)
NO_BROKER = ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON)
BAD_USER = ProblemError(Code.INVALID_FIELD, [Fault("", "user_id is no UUID")])
WRITING = (BAD_USER, ProblemError(Code.INVALID_JSON), ProblemError(Code.TOO_LARGE), NO_BROKER)
SOON = "In force for messages that wait already within a second; reads show it as soon as the database does."
UP_TO = f"At most {LARGEST_BODY} bytes."

SHOW = Operation(
    summary="Preferences of a user",
    about="All that the user chose, with defaults where he chose nothing, for every well-formed id.",
    answers=(
        Answer(
            200,
            "What is stored.",
            Everything,
            {
                "one": Everything(
                    USER,
                    [NEWS],
                    [Unsubscribed("sms", "Too many", AT)],
                    [Consent("marketing", None, True, AT, "settings", "2026-01")],  # noqa: FBT003
                )
            },
        ),
    ),
    refusals=(BAD_USER, AWAY),
    variables=(USER_ID,),
)
TYPES = Operation(
    summary="Notification types with a user's settings",
    about="What a settings screen shows: every type, the channels it uses, and what the user chose.",
    answers=(Answer(200, "Every type.", list[Setting], {"one": [NEWS]}),),
    refusals=(BAD_USER, AWAY),
    variables=(USER_ID,),
)
PUT = Operation(
    summary="Choose types and channels",
    about="One choice, or several that are taken together, each type once. Mandatory types stay on, with "
    f"one of their channels at least: 400 says which (NS-PREF-OP-03). {SOON}",
    body=Body(
        ONE_OR_MANY,
        UP_TO,
        {
            "one": {"notification_type": "news", "allowed_channels": ["email"]},
            "several": {
                "preferences": [
                    {"notification_type": "news", "allowed_channels": ["email", "push"], "is_enabled": False}
                ]
            },
        },
    ),
    answers=(
        Answer(200, "The settings as they are from now on.", Changed, {"one": Changed(USER, AT, [NEWS])}),
    ),
    refusals=(
        *WRITING,
        AWAY,
        ProblemError(Code.INVALID_FIELD, [Fault("/preferences/0", "is mandatory")]),
        ProblemError(Code.NOT_FOUND),
    ),
    variables=(USER_ID,),
)
UNSUBSCRIBE = Operation(
    summary="Unsubscribe",
    about=f"From a channel, or from all marketing. {SOON} Mandatory types still come.",
    body=Body(UnsubscribeBody, UP_TO, {"all": UnsubscribeBody("all_marketing", "Not interested")}),
    answers=(
        Answer(200, "It is taken.", Confirmed, {"all": Confirmed(USER, AT, "unsubscribed", "all_marketing")}),
    ),
    refusals=WRITING,
    variables=(USER_ID,),
)
RESUBSCRIBE = Operation(
    summary="Come back",
    about="Ends an unsubscribe. It is taken in any case; 404 says that none stands in the database.",
    answers=(Answer(204, "The unsubscribe is over.", None, {}),),
    refusals=(BAD_USER, NO_BROKER, AWAY, ProblemError(Code.NOT_FOUND)),
    variables=(USER_ID, CHANNEL),
)
CONSENT = Operation(
    summary="Grant or revoke a consent",
    about=f"Kept as evidence with its source, time and the version of the text. {SOON}",
    body=Body(
        ConsentBody,
        UP_TO,
        {
            "granted": ConsentBody(
                granted=True, source="settings", channel_type="email", text_version="2026-01"
            )
        },
    ),
    answers=(Answer(200, "It is taken.", Confirmed, {"one": Confirmed(USER, AT, "granted", "email")}),),
    refusals=WRITING,
    variables=(USER_ID, NAMED),
)
