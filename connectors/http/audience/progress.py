"""`GET /communications-audience/v1/status`: how far the labelling of users has come (CRM-012, CRM-OP-04)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from connectors.http.problems import Code, Fault, ProblemError
from schemas.audience_words import LabelStatus
from schemas.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connectors.http.audience.ports import Audience
    from schemas.records import AudienceLabel, RequestCount, RequestProgress

ASKED_BY = ("audience_label", "campaign_label", "id")


class StatusItem(msgspec.Struct, frozen=True):
    """One label. `failed`: users that could not be labelled, or whose label was withdrawn meanwhile."""

    audience_label: str
    communication_id: str
    status: LabelStatus
    total: int
    processed: int
    failed: int
    updated_at: str


class StatusAnswer(msgspec.Struct, frozen=True):
    """Sums over what was accepted so far."""

    items: list[StatusItem]


def status_of(total: int, processed: int, failed: int) -> LabelStatus:
    """`done` means that everything accepted so far is processed; nobody announces a last request."""
    if processed + failed >= total:
        return LabelStatus.FAILED if failed else LabelStatus.DONE
    return LabelStatus.IN_PROGRESS if processed + failed else LabelStatus.PENDING


def status(query: Mapping[str, str], audience: Audience) -> StatusAnswer:
    """The answer to a question; `ProblemError` unless it asks for exactly one thing that is known."""
    asked = [name for name in ASKED_BY if query.get(name)]
    if len(asked) != 1:
        raise ProblemError(Code.INVALID_FIELD, [Fault("", f"ask for exactly one of {', '.join(ASKED_BY)}")])
    value = query[asked[0]]
    if asked == ["id"]:
        progress = audience.request(value)
        items = [] if progress is None else [_of_count(progress, count) for count in progress.counts]
    else:
        items = [_of_label(label) for label in _labels(asked[0], value, audience.labels())]
    if not items:
        raise ProblemError(Code.UNKNOWN_LABEL)
    return StatusAnswer(items)


def _labels(name: str, value: str, labels: Mapping[str, AudienceLabel]) -> Iterable[AudienceLabel]:
    if name == "audience_label":
        return [labels[value]] if value in labels else []
    found = [label for label in labels.values() if label.campaign_label == value]
    return sorted(found, key=lambda label: (label.published_at, label.audience_label))


def _of_label(label: AudienceLabel) -> StatusItem:
    return _item(label, label.updated_at)


def _of_count(progress: RequestProgress, count: RequestCount) -> StatusItem:
    return _item(count, progress.updated_at)


def _item(one: AudienceLabel | RequestCount, updated_at: int) -> StatusItem:
    return StatusItem(
        audience_label=one.audience_label,
        communication_id=one.communication_id,
        status=status_of(one.total, one.processed, one.failed),
        total=one.total,
        processed=one.processed,
        failed=one.failed,
        updated_at=rfc3339(updated_at),
    )
