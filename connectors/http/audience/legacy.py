"""The old form of publishing: one promotion to everyone in an experiment (AUD-010…AUD-021, AUD-OP-02).

An adapter: it makes the same command as a publication by filters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from connectors.http.audience.faults import Faults, InvalidError
from connectors.http.audience.filters import of_experiment
from connectors.http.audience.rules import Labelled
from connectors.http.problems import Code, ProblemError
from schemas.records import LabelAsked
from schemas.times import parse_rfc3339

if TYPE_CHECKING:
    from connectors.http.audience.bodies import AdminPublishBody
    from connectors.http.audience.faults import Known
    from schemas.records import ChosenFilter

MAP_OBJECT = "map_object"


def campaign_of(body: AdminPublishBody) -> str:
    """The campaign of a promotion published by the old form; another publication of it is a conflict."""
    return f"promotion.{body.promotion_id}"


def labelled(body: AdminPublishBody, known: Known) -> Labelled:
    """Its label; `InvalidError`, or a 502 for a query: nobody here resolves one (AUD-OP-04)."""
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
    if body.yql_link is not UNSET:
        raise ProblemError(Code.NO_RESOLVER)
    label = LabelAsked(
        audience_label=campaign_of(body),
        communication_id=body.promotion_id,
        starts_at=starts_at,
        ends_at=ends_at,
        is_for_everyone=True,
        experiment_name=body.experiment or None,
        filters=filters,
        ticket=body.ticket,
    )
    return Labelled([label], {})


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
