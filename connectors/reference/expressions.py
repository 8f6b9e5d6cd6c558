"""Stored filter expressions: what an experiment may say of filters (AUD-OP-18, AUD-OP-24)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.audience_words import MOST_ALTERNATIVES, MOST_FILTERS, MOST_NUMBER, ValueType
from schemas.records import AudienceFilter, Experiment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connectors.reference.wire import ReferenceRecord

TYPES: dict[type, ValueType] = {
    bool: ValueType.BOOLEAN,
    str: ValueType.STRING,
    int: ValueType.NUMBER,
    float: ValueType.NUMBER,
}
"""The exact type of a value: a boolean is no number here."""


def alternatives(chosen: Any) -> list[Any]:
    """The values of a filter, any of which will do."""
    return chosen if isinstance(chosen, list) else [chosen]


def expression_faults(experiment: Experiment) -> Iterator[str]:
    """Say what is wrong with the expression by itself."""
    if not any(alternatives(chosen) for chosen in experiment.filters.values()):
        yield "`filters`: name at least one filter with a value"  # nothing would be everyone (AUD-OP-09)
    if len(experiment.filters) > MOST_FILTERS:
        yield f"`filters`: at most {MOST_FILTERS} of them"
    for name, chosen in experiment.filters.items():
        yield from (f"`filters.{name}`: {fault}" for fault in _too_much(alternatives(chosen)))
        found = {TYPES.get(type(value)) for value in alternatives(chosen)}
        if None in found:
            yield f"`filters.{name}`: a value is a boolean, a string or a number"
        elif len(found) > 1:
            yield f"`filters.{name}`: its values must be of one type"


def _too_much(values: list[Any]) -> Iterator[str]:
    """As for what is published over HTTP."""
    if len(values) > MOST_ALTERNATIVES:
        yield f"at most {MOST_ALTERNATIVES} values"
    if any(isinstance(value, int | float) and not abs(value) <= MOST_NUMBER for value in values):
        yield f"a number lies between -{MOST_NUMBER} and {MOST_NUMBER}"


def unknown_filters(records: Sequence[ReferenceRecord]) -> Iterator[str]:
    """Remark on filters that these files do not have, or have with another type."""
    known = {each.filter_id: each.value_type for each in records if isinstance(each, AudienceFilter)}
    for each in records:
        if not isinstance(each, Experiment):
            continue
        for name, chosen in each.filters.items():
            if name not in known:
                yield f"experiment {each.name}: filter `{name}` is not in filters.yaml"
            elif {TYPES.get(type(value)) for value in alternatives(chosen)} - {known[name]}:
                yield f"experiment {each.name}: filter `{name}` compares a {known[name]}"
