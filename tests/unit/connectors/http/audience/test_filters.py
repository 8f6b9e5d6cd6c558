"""Each rule of filters (AUD-074…AUD-084, AUD-OP-18…AUD-OP-20)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.audience.filters import of_experiment
from connectors.http.problems import Code
from schemas.audience_words import MOST_ALTERNATIVES, MOST_FILTERS
from schemas.records import ChosenFilter, Experiment
from tests.unit.connectors.http.audience.publishing import published, refused, whole

CITY = {"filter_id": "city", "value_type": "string"}


def request(*filters: dict[str, Any]) -> dict[str, Any]:
    return whole(personal_communications=..., filters={"filters": list(filters)})


def kept(*filters: dict[str, Any]) -> list[ChosenFilter]:
    (label,) = published(request(*filters)).labels
    return label.filters


@pytest.mark.spec("AUD-077 AUD-081")
@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"filter_id": "is_new_user", "value_type": "boolean", "value": False}, ["false"]),
        ({"filter_id": "min_trips", "value_type": "number", "value": 3.0}, ["3"]),
        ({"filter_id": "min_trips", "value_type": "number", "values": [3, 3.5, 3.0]}, ["3", "3.5"]),
        ({**CITY, "value": ""}, [""]),
        ({**CITY, "values": ["a", "b", "a"]}, ["a", "b"]),
    ],
)
def test_values_are_kept_as_texts_each_once(given: dict[str, Any], texts: list[str]) -> None:
    assert [texts] == [one.values for one in kept(given)]


@pytest.mark.spec("AUD-081 AUD-OP-19")
def test_an_empty_list_of_values_restricts_nobody() -> None:
    full = {"filter_id": "min_trips", "value_type": "number", "value": 1}
    assert kept(full) == kept({**CITY, "values": []}, full)


@pytest.mark.spec("AUD-OP-18")
def test_a_second_filter_of_one_id_is_refused() -> None:
    assert [("/filters/filters/1/filter_id", "stands twice")] == refused(
        request({**CITY, "value": "a"}, {**CITY, "value": "b"})
    )[1]


@pytest.mark.spec("AUD-084 AUD-OP-20")
@pytest.mark.parametrize("values", [{}, {"value": "a", "values": ["b"]}])
def test_a_filter_has_exactly_one_of_value_and_values(values: dict[str, Any]) -> None:
    fault = ("/filters/filters/0", "must have exactly one of value and values")
    assert fault == refused(request({**CITY, **values}))[1][0]


@pytest.mark.spec("AUD-076 AUD-077 AUD-080 AUD-OP-20")
@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("is_new_user", "boolean", 1),
        ("is_new_user", "boolean", "true"),
        ("city", "string", 5),
        ("city", "string", True),
        ("min_trips", "number", True),
        ("min_trips", "number", "3"),
    ],
)
def test_a_value_has_the_type_that_the_filter_says(name: str, kind: str, value: Any) -> None:
    fault = f"holds a value that is no {kind}"
    single = {"filter_id": name, "value_type": kind, "value": value}
    several = {"filter_id": name, "value_type": kind, "values": [value]}
    assert ("/filters/filters/0/value", fault) == refused(request(single))[1][0]
    assert ("/filters/filters/0/values", fault) == refused(request(several))[1][0]


@pytest.mark.spec("AUD-075")
def test_a_filter_has_the_type_of_the_registry() -> None:
    given = {"filter_id": "city", "value_type": "number", "value": 3}
    assert ("/filters/filters/0/value_type", "this filter compares a string") == refused(request(given))[1][0]


@pytest.mark.spec("AUD-074 AUD-079 AUD-OP-20")
def test_an_unknown_filter_is_refused_by_name() -> None:
    given = {"filter_id": "height", "value_type": "number", "value": 3}
    code, faults = refused(request(given))
    assert (Code.INVALID_FIELD, ("/filters/filters/0/filter_id", "no filter 'height' is known")) == (
        code,
        faults[0],
    )


@pytest.mark.parametrize("number", [2**53, -(2**53), 1e300, 10**40])
def test_a_number_that_readers_of_json_disagree_about_is_refused(number: float) -> None:
    given = {"filter_id": "min_trips", "value_type": "number", "values": [3, number]}
    code, ((pointer, _),) = refused(request(given))
    assert (Code.INVALID_FIELD, "/filters/filters/0/values/1") == (code, pointer)


def test_the_largest_numbers_are_kept_digit_by_digit() -> None:
    given = {"filter_id": "min_trips", "value_type": "number", "values": [2**53 - 1, 2**53 - 2]}
    assert [["9007199254740991", "9007199254740990"]] == [one.values for one in kept(given)]


def test_filters_and_values_have_a_limit() -> None:
    """Every question compares them. Mutations tried: one limit or the other gone: fails."""
    most = {**CITY, "values": [str(n) for n in range(MOST_ALTERNATIVES)]}
    assert [MOST_ALTERNATIVES] == [len(one.values) for one in kept(most)]
    more = {**CITY, "values": [*most["values"], "more"]}
    assert (Code.TOO_LARGE, [("/filters/filters/0/values", "has more than 1000 items")]) == refused(
        request(more)
    )
    many = [{**CITY, "value": "a"}] * (MOST_FILTERS + 1)
    assert (Code.TOO_LARGE, [("/filters/filters", "has more than 50 items")]) == refused(request(*many))


@pytest.mark.spec("AUD-003 AUD-OP-24")
def test_a_stored_expression_is_kept_in_the_same_form() -> None:
    stored = Experiment(
        name="x", filters={"city": ["a", "b"], "is_new_user": True, "min_trips": 3, "old": []}
    )
    assert [
        ("city", "string", ["a", "b"]),
        ("is_new_user", "boolean", ["true"]),
        ("min_trips", "number", ["3"]),
    ] == [(one.filter_id, one.value_type, one.values) for one in of_experiment(stored)]
