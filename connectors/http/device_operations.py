"""The devices API as its clients read of it."""

from __future__ import annotations

from connectors.http.device_forms import DeviceBody, DeviceShown, SwitchBody
from connectors.http.operation import A_UUID, Answer, Body, Operation, Variable
from connectors.http.preference_operations import AT, AWAY, BAD_USER, NO_BROKER, UP_TO, USER, USER_ID
from connectors.http.problems import Code, Fault, ProblemError

DEVICE = "7c9e6679-7425-80de-944b-e07fc1f90ae7"
ID = Variable("id", "The device.", A_UUID, DEVICE)
ON = DeviceShown(DEVICE, USER, "ios", True, "x4Tq9A", AT, AT, AT)  # noqa: FBT003
OFF = DeviceShown(DEVICE, USER, "ios", False, "x4Tq9A", AT, AT, AT)  # noqa: FBT003
BAD_FIELD = ProblemError(Code.INVALID_FIELD, [Fault("/platform", "is none of the list")])
NO_JSON, TOO_LARGE = ProblemError(Code.INVALID_JSON), ProblemError(Code.TOO_LARGE)
MINE = ProblemError(Code.FORBIDDEN)
EXAMPLE = DeviceBody(USER, "ios", "fGh7sK2pQ0-rTz_Example_token_x4Tq9A")

REGISTER = Operation(
    summary="Register a device for pushes",
    about=(
        "On each launch of the app. A device that is known is on again; another one with the same token, of"
        " whomever, is off from then on. It is taken while the database is away, and then answered as a new"
        " one."
    ),
    body=Body(DeviceBody, UP_TO, {"ios": EXAMPLE}),
    answers=(
        Answer(201, "A new device.", DeviceShown, {"ios": ON}),
        Answer(200, "It was known.", DeviceShown, {"ios": ON}),
    ),
    refusals=(BAD_FIELD, NO_JSON, TOO_LARGE, NO_BROKER, MINE),
)
SWITCH = Operation(
    summary="Switch a device on or off",
    about="A token that another device has registered since stays off, whatever is asked here.",
    body=Body(SwitchBody, UP_TO, {"off": SwitchBody(is_active=False)}),
    answers=(Answer(200, "The device from now on.", DeviceShown, {"off": OFF}),),
    refusals=(
        ProblemError(Code.INVALID_FIELD, [Fault("", "id is no UUID")]),
        *(NO_JSON, TOO_LARGE, NO_BROKER, AWAY, MINE),
        ProblemError(Code.NOT_FOUND),
    ),
    variables=(ID,),
)
LIST = Operation(
    summary="Devices of a user",
    about="On or off, the last used one first; tokens are masked.",
    answers=(Answer(200, "All of them.", list[DeviceShown], {"one": [ON]}),),
    refusals=(BAD_USER, AWAY),
    variables=(USER_ID,),
)
