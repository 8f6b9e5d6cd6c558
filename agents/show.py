"""What a person may be shown now: the labels of all ids he is known by, by time, context and what he saw.

consumes  a question: ids, context (CRM-015, CRM-022); memberships and shown of stage members, labels
keeps     nothing
emits     nothing: the answer

Ids of one person are not merged: labels of any of them count, and what any of them saw (GEN-OP-08).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from tables.labels import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from schemas.records import AudienceLabel
    from tables.memberships import Entry


class Shown(NamedTuple):
    """A label that the person has now. `is_seen`: its communication was shown to one of the ids."""

    label: AudienceLabel
    is_seen: bool


class Published(NamedTuple):
    """All labels by name, and the names of those for everyone that have not ended."""

    by_name: Mapping[str, AudienceLabel]
    for_everyone: Iterable[str]


def show(
    entries: Iterable[Entry],
    labels: Published,
    context: Mapping[str, object],
    now: int,
    seen: Callable[[str], bool],
) -> list[Shown]:
    """Every label that is in force for the person at `now` (ms), seen ones too, each once, by their start.

    `entries`: of all ids. `seen`: whether one of the ids saw the communication. `is_left` says which to drop.
    """
    own = _merged(entries)
    names = {*own, *labels.for_everyone}
    known = {name: label for name in names if (label := labels.by_name.get(name)) is not None}
    found = visible(own.values(), known, context, now, lambda _: False)
    return [Shown(label, seen(label.communication_id)) for label in found]


def is_left(shown: Shown) -> bool:
    """Whether it is still to be shown; a test publication always is (AUD-053)."""
    return shown.label.is_test_publication or not shown.is_seen


def for_everyone(labels: Iterable[AudienceLabel], now: int) -> tuple[str, ...]:
    """Names of the labels that need no entry and have not ended."""
    return tuple(one.audience_label for one in labels if one.is_for_everyone and one.ends_at > now)


def _merged(entries: Iterable[Entry]) -> dict[str, Entry]:
    """One for each label; a request that brought it to one of the ids is enough."""
    found: dict[str, Entry] = {}
    for entry in entries:
        before = found.get(entry.audience_label)
        if before is not None:
            entry = replace(before, numbers=[*before.numbers, *entry.numbers])  # noqa: PLW2901 - the same, whole
        found[entry.audience_label] = entry
    return found
