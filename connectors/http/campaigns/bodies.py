"""What the read of campaigns takes and answers, as types: the OpenAPI document is made from them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from connectors.http.audience.bodies import Number, User

MOST_IDS = 20
MOST_VALUES = 50
LONGEST_VALUE = 1_000

Value = bool | Number | Annotated[str, Meta(max_length=LONGEST_VALUE)]


class Include(StrEnum):
    """What the answer has beside the labels to be shown."""

    CONTENT = "content"
    SEEN = "seen"


class CampaignsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who asks, and where from."""

    users: Annotated[
        list[User],
        Meta(min_length=1, max_length=MOST_IDS, description="All identifiers that are known of one person."),
    ]
    context: Annotated[
        dict[str, Value],
        Meta(max_length=MOST_VALUES, description="Filter id → value; what is missing does not match."),
    ] = {}
    include: Annotated[
        list[Include],
        Meta(
            max_length=len(Include),
            description="`content`: communications, too; `seen`: labels whose communication was seen, too.",
        ),
    ] = []


class LabelShown(msgspec.Struct, frozen=True, kw_only=True):
    """A label that the person has now."""

    campaign_label: str
    audience_label: str
    communication_id: str
    starts_at: Annotated[str, Meta(description="RFC 3339, UTC.")]
    ends_at: Annotated[str, Meta(description="RFC 3339, UTC; not shown from then on.")]
    is_test_publication: Annotated[bool, Meta(description="It may be shown more than once.")]
    is_seen: Annotated[bool, Meta(description="Present with `include=seen`.")] | UnsetType = UNSET


class CommunicationShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown: once, whatever number of labels it has."""

    communication_id: str
    kind: str
    content: Annotated[dict[str, Any], Meta(description="Its look, in its clients' words.")]


class CampaignsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Labels by their start; without any the person is in no campaign now, or has seen it all."""

    labels: list[LabelShown]
    communications: (
        Annotated[list[CommunicationShown], Meta(description="Present with `include=content`.")] | UnsetType
    ) = UNSET
