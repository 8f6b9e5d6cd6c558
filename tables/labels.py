"""Table `labels`: what is published, under which label, when, and how far the labelling of users has come.

key     audience label (utf-8)
value   `AudienceLabel`
writer  agents/assign.py

Dates and content of a label never change: that is a conflict (AUD-OP-01). Requests add to it, each under a
number; an entry of a user names the requests that brought it, and shows once one of them is done: all users
of all its labels (AUD-OP-29). Withdrawal is for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.audience_words import ValueType, text_of
from schemas.records import AudienceLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from schemas.records import ChosenFilter, LabelAsked, LabelCount
    from tables.memberships import Entry

CONTENT = (
    "communication_id",
    "starts_at",
    "ends_at",
    "experiment_name",
    "filters",
    "is_for_everyone",
    "is_test_publication",
)


def conflict(label: AudienceLabel | None, asked: LabelAsked) -> str | None:
    """Why the label cannot be published so; None if it can."""
    if label is None:
        return None
    if label.withdrawn_at is not None:
        return f"label {label.audience_label} was withdrawn"
    changed = [name for name in CONTENT if _compared(label, name) != _compared(asked, name)]
    if changed:
        return f"label {label.audience_label} was published with another {', '.join(changed)}"
    return None


def _compared(one: AudienceLabel | LabelAsked, name: str) -> object:
    """Content as it is compared: all filters must match and any value will do, so order says nothing."""
    if name == "filters":
        return {chosen.filter_id: (chosen.value_type, frozenset(chosen.values)) for chosen in one.filters}
    return getattr(one, name)


def published(label: AudienceLabel | None, asked: LabelAsked, campaign: str, now: int) -> AudienceLabel:
    """With one more request, which has the number `requests`."""
    if label is None:
        label = AudienceLabel(
            audience_label=asked.audience_label,
            campaign_label=campaign,
            published_at=now,
            updated_at=now,
            version=0,
            ticket=asked.ticket,
            **{name: getattr(asked, name) for name in CONTENT},
        )
    number = label.requests + 1
    return replace(
        label,
        version=label.version + 1,
        updated_at=now,
        requests=number,
        total=label.total + asked.users,
        unfinished=[*label.unfinished, number] if asked.users else label.unfinished,
    )


def counted(label: AudienceLabel, count: LabelCount, now: int) -> AudienceLabel:
    """With so many users dealt with."""
    return replace(
        label,
        version=label.version + 1,
        updated_at=now,
        processed=label.processed + count.processed,
        failed=label.failed + count.failed,
    )


def finished(label: AudienceLabel, number: int, now: int) -> AudienceLabel:
    """With a request done: what it brought shows."""
    return replace(
        label,
        version=label.version + 1,
        updated_at=now,
        unfinished=[one for one in label.unfinished if one != number],
    )


def withdrawn(label: AudienceLabel, now: int) -> AudienceLabel:
    """Shown no longer, and never again."""
    return replace(
        label,
        version=label.version + 1,
        updated_at=now,
        withdrawn_at=now,
        ends_at=min(label.ends_at, now),
    )


def is_done(label: AudienceLabel, number: int) -> bool:
    """Whether a request is done. A label read before the request knows nothing of it."""
    return number <= label.requests and number not in label.unfinished


def visible(
    entries: Iterable[Entry],
    labels: Mapping[str, AudienceLabel],
    context: Mapping[str, object],
    now: int,
    seen: Callable[[str], bool],
) -> list[AudienceLabel]:
    """The labels that a user sees at `now` (ms), in the order of their start (CRM-015, CRM-022).

    `labels`: all there are; those for everyone need no entry. `context`: filter id → value; what is missing
    does not match. `seen`: whether the user has seen this communication; a test shows again (AUD-053).
    """
    own = [
        label
        for entry in entries
        if (label := labels.get(entry.audience_label)) is not None
        and any(is_done(label, number) for number in entry.numbers)
    ]
    general = [label for label in labels.values() if label.is_for_everyone]
    shown = [
        label
        for label in (*own, *general)
        if label.starts_at <= now < label.ends_at
        and label.withdrawn_at is None
        and all(matches(one, context) for one in label.filters)
        and (label.is_test_publication or not seen(label.communication_id))
    ]
    return sorted(shown, key=lambda label: (label.starts_at, label.audience_label))


def matches(chosen: ChosenFilter, context: Mapping[str, object]) -> bool:
    """Whether the context has one of the values, of the filter's type."""
    value = context.get(chosen.filter_id)
    match chosen.value_type:
        case ValueType.BOOLEAN:
            return isinstance(value, bool) and str(value).lower() in chosen.values
        case ValueType.NUMBER:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return is_number and text_of(value) in chosen.values
        case _:
            return isinstance(value, str) and value in chosen.values
