"""Variables are described by a part of JSON Schema, and values are held against it before a render."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.templates import RenderFailedError, TemplateRenderer
from connectors.templates.preview import preview, sample
from connectors.templates.variables import data_schema, declared
from tests.unit.connectors.templates.rendering import template

ORDER = {
    "type": "object",
    "required": ["Number"],
    "properties": {
        "Number": {"type": "string", "maxLength": 5},
        "Lines": {"type": "array", "items": {"type": "number"}},
    },
}


def faults(form: dict[str, Any], value: Any) -> str:
    with pytest.raises(RenderFailedError) as caught:
        TemplateRenderer().render(template("x", variables={"X": form}), {"X": value})
    return str(caught.value)


@pytest.mark.spec("NS-TPL-OP-06")
@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ({}, 5, "variable `X` is no string"),
        ({"type": "number"}, True, "variable `X` is no number"),
        ({"type": "string"}, None, "variable `X` is missing"),
        ({"type": "string", "maxLength": 2}, "abc", "variable `X` breaks `maxLength` 2"),
        ({"type": "string", "minLength": 2}, "a", "variable `X` breaks `minLength` 2"),
        ({"type": "number", "minimum": 0.5}, 0, "variable `X` breaks `minimum` 0.5"),
        ({"type": "number", "maximum": -1}, 0, "variable `X` breaks `maximum` -1"),
        ({"type": "array", "minItems": 1}, [], "variable `X` breaks `minItems` 1"),
        ({"type": "array", "maxItems": 1}, [1, 2], "variable `X` breaks `maxItems` 1"),
        ({"enum": ["a", "b"]}, "c", "variable `X` is none of its `enum`"),
        ({"format": "uri"}, "javascript:alert(1)", "variable `X` is no uri"),
        ({"format": "uri"}, "https://", "variable `X` is no uri"),
        (ORDER, {}, "variable `X` lacks `Number`"),
        (ORDER, {"Number": "123456"}, "variable `X`, `Number` breaks `maxLength` 5"),
        (ORDER, {"Number": "1", "Lines": [1, "2"]}, "variable `X`, `Lines`, item 1 is no number"),
    ],
)
def test_ns_tpl_op_06_a_value_that_does_not_fit_is_refused_without_being_told(
    form: dict[str, Any], value: Any, expected: str
) -> None:
    assert expected == faults(form, value)


@pytest.mark.spec("NS-TPL-025")
@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"type": "date"}, "its type must be one of string, number, boolean, array, object"),
        ({"pattern": "a+"}, "`pattern` is not known"),
        ({"type": "number", "maxLength": 1}, "`maxLength` does not fit a number"),
        ({"type": "string", "maxLength": -1}, "`maxLength` does not fit a string"),
        ({"enum": []}, "`enum` does not fit a string"),
        ({"format": "date"}, "`format` does not fit a string"),
        ({"items": {}}, "`items` does not fit a string"),
        ({"type": "array", "items": {"type": "x"}}, "variable `X[]`: its type"),
        ({"type": "object", "properties": {"a": 1}}, "variable `X.a`: must be described"),
        ({"type": "object", "required": [1]}, "`required` does not fit a object"),
    ],
)
def test_ns_tpl_025_a_description_that_says_nothing_is_refused_at_once(
    form: dict[str, Any], words: str
) -> None:
    with pytest.raises(RenderFailedError) as caught:
        declared({"X": form})
    assert words in str(caught.value)


def test_a_description_without_end_is_refused() -> None:
    form: dict[str, Any] = {}
    for _ in range(50):
        form = {"type": "array", "items": form}
    with pytest.raises(RenderFailedError, match="8 levels"):
        declared({"X": form})


def test_clients_get_the_description_as_json_schema() -> None:
    forms: dict[str, dict[str, Any]] = {
        "A": {},
        "B": {"type": "number", "required": False, "secret": True, "example": 1},
        "C": ORDER,
    }
    expected = {
        "type": "object",
        "properties": {
            "A": {"type": "string"},
            "B": {"type": "number"},
            "C": ORDER
            | {
                "properties": {
                    "Number": {"type": "string", "maxLength": 5},
                    "Lines": {"type": "array", "items": {"type": "number"}},
                }
            },
        },
        "required": ["A", "C"],
    }
    assert expected == data_schema(forms)


def test_samples_keep_the_description_they_are_made_of() -> None:
    forms: dict[str, dict[str, Any]] = {
        "Text": {"maxLength": 3},
        "Long": {"minLength": 12},
        "Url": {"format": "uri"},
        "Word": {"enum": ["a"]},
        "Said": {"example": "Ann"},
        "Few": {"type": "number", "maximum": -2},
        "Many": {"type": "array", "minItems": 3, "items": {"type": "boolean"}},
        "Order": ORDER,
    }
    made = sample(forms)
    assert [] == [fault for each in declared(forms) for fault in each.faults(made[each.name])]
    assert ("xxx", "Ann", -2) == (made["Text"], made["Said"], made["Few"])


@pytest.mark.spec("NS-TPL-OP-07")
def test_ns_tpl_op_07_a_preview_fills_in_what_is_not_given_only_when_asked() -> None:
    hello = template("{{ A }} {{ B }}", variables={"A": {}, "B": {"example": "Ann"}})
    assert ("Hi Ann", ("GSM-7", 6, 1, None)) == (
        (found := preview(hello, {"A": "Hi"}, with_samples=True)).content.body,
        found.sms,
    )
    with pytest.raises(RenderFailedError, match="`B` is missing"):
        preview(hello, {"A": "Hi"})
