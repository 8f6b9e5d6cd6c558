"""A question in query parameters → what a body would say; values get the types of their filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from connectors.http.audience.reading import Reader
from connectors.http.campaigns.bodies import LONGEST_VALUE, MOST_VALUES, CampaignsBody
from connectors.http.problems import Code, Fault, ProblemError
from schemas.audience_words import MOST_NUMBER, ValueType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import MultiMapping

    from connectors.http.audience.faults import Known

LARGEST_BODY = 32 * 1024
CONTEXT, END = "context[", "]"
BOOLEANS = {"true": True, "false": False}
PARAMETERS = {"id_type", "id", "include"}
read_body = Reader(CampaignsBody)


class Query(NamedTuple):
    """`context`: texts, whose types only their filters know."""

    body: CampaignsBody
    context: Mapping[str, str]


def read_query(query: MultiMapping[str]) -> Query:
    """The question; `ProblemError` (400) names a parameter that is wrong or unknown."""
    kinds, names = query.getall("id_type", []), query.getall("id", [])
    if len(kinds) != len(names):
        raise _refused("id_type and id must come in pairs, the same number of each")
    context = {
        name.removeprefix(CONTEXT).removesuffix(END): query[name]
        for name in query
        if name.startswith(CONTEXT) and name.endswith(END)
    }
    for name in query:
        if name not in PARAMETERS and not (name.startswith(CONTEXT) and name.endswith(END)):
            raise _refused(
                f"there is no parameter {name[:100]!r}; values of filters are context[<filter id>]"
            )
    if len(context) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in context.values()):
        raise _refused(f"at most {MOST_VALUES} values of at most {LONGEST_VALUE} characters")
    users = [{"id_type": kind, "id": name} for kind, name in zip(kinds, names, strict=True)]
    given = {"users": users, "include": query.getall("include", [])}
    return Query(read_body(msgspec.json.encode(given)), context)


def typed(texts: Mapping[str, str], known: Known) -> dict[str, object]:
    """Values as their filters compare them; one that is none of its filter's type matches nothing."""
    found: dict[str, object] = {}
    for filter_id, text in texts.items():
        registered = known.filter(filter_id)
        value = None if registered is None else _value(text, registered.value_type)
        if value is not None:
            found[filter_id] = value
    return found


def _value(text: str, value_type: str) -> object:
    match value_type:
        case ValueType.BOOLEAN:
            return BOOLEANS.get(text)
        case ValueType.NUMBER:
            try:
                number = float(text)
            except ValueError:
                return None
            return number if abs(number) <= MOST_NUMBER else None  # nor when it is NaN
        case _:
            return text


def _refused(detail: str) -> ProblemError:
    return ProblemError(Code.INVALID_FIELD, [Fault("", detail)])
