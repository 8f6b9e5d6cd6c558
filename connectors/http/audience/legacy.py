"""The old form of publishing: one promotion, to an experiment or to a query (AUD-010…AUD-021, AUD-OP-02).

An adapter: it makes the same command as a publication by filters, or to users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from connectors.http.audience.bodies import MOST_COMMUNICATIONS, MOST_USERS, ResolvedUsers
from connectors.http.audience.faults import Faults, InvalidError
from connectors.http.audience.filters import of_experiment
from connectors.http.audience.rules import Labelled
from connectors.http.problems import Code, Fault, ProblemError
from schemas.ids import audience_user
from schemas.records import LabelAsked
from schemas.times import parse_rfc3339

if TYPE_CHECKING:
    from connectors.http.audience.bodies import AdminPublishBody
    from connectors.http.audience.faults import Known
    from schemas.records import ChosenFilter

MAP_OBJECT = "map_object"
MOST: Final = MOST_COMMUNICATIONS * MOST_USERS
"""Users of a query: as many as a publish request may list."""

_USERS = msgspec.json.Decoder(ResolvedUsers)


def campaign_of(body: AdminPublishBody) -> str:
    """The campaign of a promotion published by the old form; another publication of it is a conflict."""
    return f"promotion.{body.promotion_id}"


def labelled(body: AdminPublishBody, known: Known) -> Labelled:
    """Its label; `InvalidError`. One of a query has no users yet: `to_users` (AUD-OP-04)."""
    faults = Faults()
    promotion = known.communication(body.promotion_id)
    if promotion is None:
        faults.add_unknown("/promotion_id", "communication", body.promotion_id)
    if (body.experiment is UNSET) == (body.yql_link is UNSET):
        faults.add("", "must have exactly one of experiment and yql_link")
    if body.yql_link is not UNSET and promotion is not None and promotion.kind == MAP_OBJECT:
        faults.add("/yql_link", "an object on the map cannot be published by a query")
    filters = _filters(body, known, faults)
    starts_at, ends_at = (
        _moment(body.start_date, "/start_date", faults),
        _moment(body.end_date, "/end_date", faults),
    )
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        faults.add("/end_date", "is not after start_date")
    if faults or starts_at is None or ends_at is None:
        raise InvalidError(faults)
    label = LabelAsked(
        audience_label=campaign_of(body),
        communication_id=body.promotion_id,
        starts_at=starts_at,
        ends_at=ends_at,
        is_for_everyone=body.yql_link is UNSET,
        experiment_name=body.experiment or None,
        filters=filters,
        ticket=body.ticket,
    )
    return Labelled([label], {})


def to_users(found: Labelled, raw: bytearray) -> Labelled:
    """The label with the users of a resolver's answer, each once.

    A 502 for an answer that is no list of at most `MOST` users; a 400 if the query selects nobody.
    """
    try:
        listed = _USERS.decode(raw).users
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _unresolved("its answer is no list of users") from None
    if len(listed) > MOST:
        raise _unresolved(f"it found more than {MOST} users")
    if not listed:
        raise ProblemError(Code.INVALID_FIELD, [Fault("/yql_link", "selects nobody")])
    (label,) = found.labels
    users = list(dict.fromkeys(audience_user(user.id_type, user.id) for user in listed))
    return Labelled([replace(label, users=len(users))], {label.audience_label: users})


def _unresolved(why: str) -> ProblemError:
    return ProblemError(Code.NO_RESOLVER, [Fault("/yql_link", why)])


def _filters(body: AdminPublishBody, known: Known, faults: Faults) -> list[ChosenFilter]:
    name = body.experiment
    if not isinstance(name, str):
        return []
    experiment = known.experiment(name)
    if experiment is None:
        faults.add_unknown("/experiment", "experiment", name)
        return []
    return of_experiment(experiment)


def _moment(text: str, pointer: str, faults: Faults) -> int | None:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        faults.add(pointer, str(error))
        return None
