"""The rules of filters: which of them restrict anybody, and by which values (AUD-074…AUD-084)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UnsetType

from schemas.audience_words import ValueType, text_of
from schemas.records import ChosenFilter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connectors.http.audience.bodies import Filter, Filters
    from connectors.http.audience.faults import Faults, Known
    from schemas.records import Experiment

TYPES: dict[type, ValueType] = {
    bool: ValueType.BOOLEAN,
    str: ValueType.STRING,
    int: ValueType.NUMBER,
    float: ValueType.NUMBER,
}
"""By the exact type: a boolean is no number."""


def chosen(given: Filters | UnsetType, known: Known, faults: Faults) -> list[ChosenFilter]:
    """The filters that restrict anybody: without values one is none (AUD-OP-19)."""
    if isinstance(given, UnsetType):
        return []
    seen: set[str] = set()
    found = []
    for number, one in enumerate(given.filters):
        pointer = f"/filters/filters/{number}"
        if one.filter_id in seen:
            faults.add(f"{pointer}/filter_id", "stands twice")
        seen.add(one.filter_id)
        _check_registered(one, pointer, known, faults)
        if values := _values(one, pointer, faults):
            found.append(ChosenFilter(filter_id=one.filter_id, value_type=one.value_type, values=values))
    return found


def _check_registered(one: Filter, pointer: str, known: Known, faults: Faults) -> None:
    registered = known.filter(one.filter_id)
    if registered is None:
        faults.add_unknown(f"{pointer}/filter_id", "filter", one.filter_id)
    elif registered.value_type != one.value_type:
        faults.add(f"{pointer}/value_type", f"this filter compares a {registered.value_type}")


def _values(one: Filter, pointer: str, faults: Faults) -> list[str]:
    single, several = one.value, one.values
    if isinstance(single, UnsetType) and not isinstance(several, UnsetType):
        return _texts(several, one.value_type, f"{pointer}/values", faults)
    if not isinstance(single, UnsetType) and isinstance(several, UnsetType):
        return _texts([single], one.value_type, f"{pointer}/value", faults)
    faults.add(pointer, "must have exactly one of value and values")
    return []


def _texts(values: Iterable[Any], wanted: str, pointer: str, faults: Faults) -> list[str]:
    values = list(values)
    if any(TYPES[type(value)] != wanted for value in values):
        faults.add(pointer, f"holds a value that is no {wanted}")
        return []
    return list(dict.fromkeys(text_of(value) for value in values))


def of_experiment(experiment: Experiment) -> list[ChosenFilter]:
    """The filters of a stored expression; `carillon apply` has checked them."""
    found = []
    for name, given in experiment.filters.items():
        values = given if isinstance(given, list) else [given]
        if values:
            kind = TYPES[type(values[0])]
            texts = list(dict.fromkeys(map(text_of, values)))
            found.append(ChosenFilter(filter_id=name, value_type=kind, values=texts))
    return found
