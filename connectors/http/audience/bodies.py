"""Bodies of the audience endpoints, field by field (AUD-044…AUD-084, CRM-OP-02, AUD-011…AUD-017).

Decoding checks names, types and lengths; `connectors.http.audience.rules` checks the rest, numbers of items
included: too many are a 413, not a 400 (AUD-OP-22).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.audience_words import MOST_ALTERNATIVES, MOST_FILTERS, MOST_NUMBER, IdType, ValueType

MOST_COMMUNICATIONS: Final = 100
MOST_USERS: Final = 1000
LONGEST_ID: Final = 256
LONGEST_TEXT: Final = 1024
"""Of a value that filters compare."""
NAME: Final = r"[A-Za-z0-9_.-]{1,128}"

RequestId = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_ID, description="Id of the request, echoed in the answer.")
]
CampaignLabel = Annotated[
    str,
    Meta(pattern=rf"^{NAME}(?!\n)$", description="Names the campaign; written to logs."),
]
Moment = Annotated[
    str,
    Meta(max_length=64, description="RFC 3339 with an offset.", examples=["2025-06-01T00:00:00+03:00"]),
]
Name = Annotated[str, Meta(max_length=LONGEST_ID)]
Number = (
    Annotated[int, Meta(ge=-MOST_NUMBER, le=MOST_NUMBER)]
    | Annotated[float, Meta(ge=-MOST_NUMBER, le=MOST_NUMBER)]
)
Value = bool | Number | Annotated[str, Meta(max_length=LONGEST_TEXT)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Root of all bodies: unknown fields are refused; absent ones are not null."""


class User(Body, frozen=True, kw_only=True, gc=False):
    """One user by one identifier (AUD-073)."""

    id_type: IdType
    id: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]


class Communication(Body, frozen=True, kw_only=True):
    """What is published to everyone whom the filters select. Personal ones inherit what they lack."""

    communication_id: Name | UnsetType = UNSET
    start_date: Moment | UnsetType = UNSET
    end_date: Moment | UnsetType = UNSET
    ticket: Name | UnsetType = UNSET


class PersonalCommunication(Communication, frozen=True, kw_only=True):
    """What is published to its users, where they satisfy the filters, if there are any."""

    users: Annotated[
        list[User], Meta(min_length=1, extra_json_schema={"maxItems": MOST_USERS}, description="Recipients.")
    ]


class Filter(Body, frozen=True, kw_only=True):
    """A filter with exactly one of `value` and `values`; of `values` any will do, none is no restriction."""

    filter_id: Name
    value_type: ValueType
    value: Value | UnsetType = UNSET
    values: Annotated[list[Value], Meta(extra_json_schema={"maxItems": MOST_ALTERNATIVES})] | UnsetType = (
        UNSET
    )


class Filters(Body, frozen=True, kw_only=True):
    """All of them must match."""

    filters: Annotated[list[Filter], Meta(extra_json_schema={"maxItems": MOST_FILTERS})]


class PublishBody(Body, frozen=True, kw_only=True):
    """A publish request (AUD-045…AUD-052)."""

    id: RequestId
    campaign_label: CampaignLabel
    communication: Communication
    personal_communications: (
        Annotated[list[PersonalCommunication], Meta(extra_json_schema={"maxItems": MOST_COMMUNICATIONS})]
        | UnsetType
    ) = UNSET
    filters: Filters | UnsetType = UNSET
    is_test_publication: Annotated[bool, Meta(description="It may be shown more than once.")] = False


class UnpublishBody(Body, frozen=True, kw_only=True):
    """A withdrawal; exactly one of the two labels (CRM-OP-02)."""

    id: RequestId
    campaign_label: CampaignLabel | UnsetType = UNSET
    audience_label: (
        Annotated[
            str,
            Meta(
                pattern=rf"^{NAME}(:{NAME})?(?!\n)$",
                description="As `audience_info` of the publication has it.",
            ),
        ]
        | UnsetType
    ) = UNSET


class AdminPublishBody(Body, frozen=True, kw_only=True):
    """The old form: one promotion, published to an experiment (AUD-012…AUD-017)."""

    promotion_id: Name
    start_date: Moment
    end_date: Moment
    ticket: Name
    experiment: Name | UnsetType = UNSET
    yql_link: Annotated[str, Meta(max_length=2048)] | UnsetType = UNSET


class ResolvedUsers(msgspec.Struct, frozen=True):
    """Whom a query selects: the answer of a resolver."""

    users: list[User]


class LabelInfo(msgspec.Struct, frozen=True):
    """One audience of the request."""

    communication_id: str
    audience_label: str


class LabelledAnswer(msgspec.Struct, frozen=True):
    """The request is durable and its labels are assigned; `GET …/status` tells how far the labelling is."""

    id: str
    audience_info: list[LabelInfo]
