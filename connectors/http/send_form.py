"""What a caller asks to send: the body of one request, and what becomes of it on its way to the topic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from connectors.http.operation import Header
from connectors.http.problems import Code, Fault, ProblemError
from schemas.codec import encode_json
from schemas.errors import DecodeError
from schemas.ids import keyed_request, subject_key
from schemas.inputs import MAX_BYTES, check_values, may_be_odd
from schemas.records import SendRequest
from schemas.times import parse_rfc3339
from schemas.words import Channel, Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.http.policies import Caller

ROOT = "/api/v1/notifications"
LARGEST = 256 * 1024
"""Of one request, in bytes."""
FARTHEST_MS = 90 * 86_400_000
"""How far ahead a request may be scheduled (NS-SND-OP-01)."""
NO_NUL = r"^[^\x00]*$"
UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
LONGEST_KEY = 250
_KEY = re.compile(rf"[!-~]{{1,{LONGEST_KEY}}}")
KEY_HEADER = Header(
    "Idempotency-Key",
    "The key of a request whose body has none.",
    "order-4711-confirmed",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
)
UserId = Annotated[
    str, Meta(pattern=UUID, min_length=36, max_length=36, description="UUID of the user to notify.")
]


class SendBody(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One notification of one user."""

    user_id: UserId
    notification_type: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            pattern=NO_NUL,
            description="A type of the registry. One that nobody knows is accepted here and rejected later.",
        ),
    ]
    data: Annotated[
        dict[str, Any],
        Meta(description="Variables of its templates; no U+0000 in any text, at most 32 levels deep."),
    ] = {}
    priority: Annotated[
        Lane | None,
        Meta(description="The type's default otherwise; marketing always goes last."),
    ] = None
    idempotency_key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255, pattern=NO_NUL)] | None,
        Meta(description="Under one key a user is notified once. Without a key every request is another."),
    ] = None
    scheduled_at: Annotated[
        Annotated[str, Meta(max_length=64, extra_json_schema={"format": "date-time"})] | None,
        Meta(description="When to send: RFC 3339 with an offset, at most 90 days ahead; at once otherwise."),
    ] = None
    language: Annotated[
        Annotated[str, Meta(min_length=1, max_length=10, pattern=NO_NUL)] | None,
        Meta(description="Of the text; the user's own otherwise."),
    ] = None
    channels: Annotated[
        Annotated[list[Channel], Meta(min_length=1, max_length=len(Channel))] | None,
        Meta(description="Of the channels that it would take, only these; none is added."),
    ] = None
    campaign_label: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128, pattern=NO_NUL)] | None,
        Meta(description="What statistics tell it apart by; nothing is sent of a withdrawn campaign."),
    ] = None


class Asked(NamedTuple):
    """A request as it goes into its topic: id, Kafka key, value."""

    request_id: str
    key: bytes
    value: bytes


def source_of(caller: Caller) -> str:
    """By what name a caller's requests are known (NS-SEC-OP-06).

    A service's, whichever of its keys it shows. Keys for tests send nothing: no provider is theirs.
    """
    if caller.is_test:
        raise ProblemError(Code.FORBIDDEN, [Fault("", "a key for tests sends nothing")])
    return caller.owner


def header_key(headers: Mapping[str, str]) -> str | None:
    """The idempotency key of the header; `ProblemError` for one that can be none."""
    given = headers.get(KEY_HEADER.name)
    if given is not None and not _KEY.fullmatch(given):
        text = f"Idempotency-Key must have 1 to {LONGEST_KEY} visible ASCII characters"
        raise ProblemError(Code.INVALID_FIELD, [Fault("", text)])
    return given


def odd(body: SendBody, raw: bytes, now: int, at: str = "") -> list[Fault]:
    """What is wrong beyond the form: a time that is none or too far away, values that cannot be stored."""
    found = []
    if body.scheduled_at is not None and (detail := _untimely(body.scheduled_at, now)):
        found.append(Fault(f"{at}/scheduled_at", detail))
    if may_be_odd(raw):
        try:
            check_values({"data": body.data})
        except DecodeError as error:
            found.append(Fault(f"{at}/data", str(error)))
    return found


def _untimely(text: str, now: int) -> str | None:
    try:
        at = parse_rfc3339(text)
    except ValueError as error:
        return str(error)
    return None if at <= now + FARTHEST_MS else "is over 90 days ahead"


def asked(body: SendBody, source: str, key: str | None, new_id: Callable[[], str]) -> Asked:
    """The record of a request. Its id follows from who asks, for whom and the key: a repeat has the same."""
    user = body.user_id.lower()
    key = body.idempotency_key or key
    request_id = new_id() if key is None else keyed_request(source, user, key)
    record = SendRequest(
        user_id=user,
        notification_type=body.notification_type,
        idempotency_key=key or request_id,
        data=body.data,
        priority=body.priority,
        language=body.language,
        scheduled_at=body.scheduled_at,
        channels=None if body.channels is None else [channel.value for channel in body.channels],
        campaign_label=body.campaign_label,
    )
    value = encode_json(record)
    if len(value) > MAX_BYTES:
        raise ProblemError(Code.TOO_LARGE)
    return Asked(request_id, subject_key(user), value)
