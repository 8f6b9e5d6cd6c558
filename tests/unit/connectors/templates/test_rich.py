"""Variables that a push shows as its picture and its buttons."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.templates import RenderFailedError, TemplateRenderer
from connectors.templates.lint import PUSH_BYTES, lint
from connectors.templates.preview import sampled
from connectors.templates.rich import MOST_BUTTONS
from connectors.templates.variables import LONGEST_LABEL, data_schema
from schemas.records import Button, Content, Template
from tests.unit.connectors.templates.rendering import template

PICTURE = {"image": True, "required": False}
PAY = {"button": "Pay", "place": 2}
MAP = {"button": "Show the way", "place": 1, "required": False}
FORMS: dict[str, Any] = {"Picture": PICTURE, "PayUrl": PAY, "MapUrl": MAP}
GIVEN = {name: f"https://shop.test/{name}" for name in FORMS}


def push(forms: dict[str, Any], channel: str = "push", body: str = "Ready") -> Template:
    return template(body, channel, title="Order", variables=forms)


def shown(values: dict[str, Any], **forms: Any) -> Content:
    return TemplateRenderer().render(push(forms or FORMS), values)


def refusal(values: dict[str, Any], **forms: Any) -> str:
    with pytest.raises(RenderFailedError) as caught:
        shown(values, **forms)
    return str(caught.value)


@pytest.mark.spec("NS-CH-034")
def test_a_push_shows_its_picture_and_its_buttons_by_their_place() -> None:
    made = shown(GIVEN)
    assert "https://shop.test/Picture" == made.image
    assert [
        Button(name="MapUrl", label="Show the way", url="https://shop.test/MapUrl"),
        Button(name="PayUrl", label="Pay", url="https://shop.test/PayUrl"),
    ] == made.buttons


def test_buttons_of_one_place_stand_by_name_for_a_database_keeps_no_order() -> None:
    made = shown({"B": "https://b", "A": "https://a"}, B={"button": "b"}, A={"button": "a"})
    assert ["A", "B"] == [each.name for each in made.buttons]


@pytest.mark.spec("NS-CH-034")
def test_what_may_be_left_out_and_is_is_not_shown() -> None:
    made = shown({"PayUrl": "https://shop.test/pay"})
    assert (None, ["PayUrl"]) == (made.image, [each.name for each in made.buttons])


def test_a_push_of_text_has_neither() -> None:
    made = TemplateRenderer().render(push({}), {})
    assert (None, []) == (made.image, made.buttons)


@pytest.mark.spec("NS-CH-034 NS-TPL-OP-05")
@pytest.mark.parametrize("name", ["Picture", "PayUrl"])
@pytest.mark.parametrize(
    "value", ["http://shop.test/a", "javascript:alert(1)", "HTTPS", "https://", "https://a b", "", "data:,"]
)
def test_only_an_https_address_is_shown_and_the_value_is_not_told(name: str, value: str) -> None:
    told = refusal({**GIVEN, name: value})
    assert f"variable `{name}` is no https address" == told


def test_no_value_of_another_type_is_an_address() -> None:
    assert "variable `Picture` is no string" == refusal({**GIVEN, "Picture": 5})


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"image": False}, "`image` does not fit a string"),
        ({"image": True, "type": "array"}, "`image` does not fit a array"),
        ({"button": ""}, "`button` does not fit a string"),
        ({"button": " "}, "`button` does not fit a string"),
        ({"button": "a\nb"}, "`button` does not fit a string"),
        ({"button": "x" * (LONGEST_LABEL + 1)}, "`button` does not fit a string"),
        ({"button": 5}, "`button` does not fit a string"),
        ({"button": "Pay", "place": "first"}, "`place` does not fit a string"),
        ({"button": "Pay", "image": True}, "is an image or a button, not both"),
        ({"type": "array", "items": {"image": True}}, "only a whole variable is an image"),
        ({"type": "object", "properties": {"Url": {"button": "Pay"}}}, "only a whole variable is an image"),
    ],
)
def test_a_description_that_nothing_can_be_shown_by_is_refused_when_it_is_saved(
    form: dict[str, Any], words: str
) -> None:
    (found,) = lint(push({"X": form}))
    assert ("error", True) == (found.level, words in found.text)


def test_a_push_has_one_picture_and_three_buttons() -> None:
    buttons = {f"B{number}": {"button": "b"} for number in range(MOST_BUTTONS + 1)}
    for forms in (buttons, {"A": {"image": True}, "B": {"image": True}}):
        assert ["a push has one image and 3 buttons at most"] == [found.text for found in lint(push(forms))]
    buttons.popitem()
    assert [] == lint(push(buttons))


@pytest.mark.parametrize("channel", ["sms", "email", "in_app"])
def test_other_channels_show_neither(channel: str) -> None:
    told = [found.text for found in lint(push({"Picture": PICTURE}, channel)) if found.level == "error"]
    assert "`image` and `button` are of variables of a push" in told


def test_what_is_shown_need_not_stand_in_the_text() -> None:
    """Mutation: remarked as declared and not used."""
    assert [] == lint(push(FORMS))


def test_samples_are_addresses() -> None:
    made = sampled(push(FORMS))
    assert made is not None
    assert ("https://example.com/", 2) == (made.content.image, len(made.content.buttons))


def test_a_text_without_room_for_more_is_remarked() -> None:
    (found,) = lint(push(FORMS, body="x" * PUSH_BYTES))
    assert ("warning", True) == (found.level, "vendors take no more" in found.text)
    assert [] == lint(push(FORMS, body="x" * (PUSH_BYTES - 200)))


def test_clients_read_of_an_https_address_and_of_none_of_our_words() -> None:
    schema = data_schema(FORMS)
    address = {"type": "string", "format": "uri", "pattern": "^https://"}
    assert dict.fromkeys(FORMS, address) == schema["properties"]
    assert ["PayUrl"] == schema["required"]
