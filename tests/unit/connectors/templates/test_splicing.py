"""Layouts and partials become one text with the template that uses them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.templates import RenderFailedError, TemplateRenderer
from connectors.templates.bundle import among, bundled
from schemas.records import Template
from tests.unit.connectors.templates.rendering import STRING, template

LAYOUT = "<main>{% block content %}nothing{% endblock %}</main>{% include '_footer' %}"
FOOTER = "<p>{{ Name }}</p>"


def part(name: str, body: str, language: str = "en", channel: str = "email", **texts: Any) -> Template:
    return Template(name=name, channel_type=channel, language_code=language, body=body, **texts)


def made(body: str, *parts: Template, channel: str = "email", language: str = "en", name: str = "<b>") -> str:
    whole = Template(
        name="t", channel_type=channel, language_code=language, body=body, variables={"Name": STRING}
    )
    return TemplateRenderer().render(bundled(whole, among(parts)), {"Name": name}).body


def test_a_partial_is_put_where_it_is_included_and_escaped_as_its_place_demands() -> None:
    assert "a<p>&lt;b&gt;</p>" == made('a{% include "_footer" %}', part("_footer", FOOTER))
    assert "a<p><b></p>" == made(
        'a{% include "_footer" %}', part("_footer", FOOTER, channel="sms"), channel="sms"
    )


def test_a_layout_takes_the_blocks_of_the_template() -> None:
    body = '{% extends "_mail" %}\n{% block content %}Hello {{ Name }}{% endblock %}'
    found = made(body, part("_mail", LAYOUT), part("_footer", FOOTER), name="Ann")
    assert "<main>Hello Ann</main><p>Ann</p>" == found


def test_a_block_that_the_template_leaves_out_says_what_the_layout_says() -> None:
    found = made('{% extends "_mail" %}', part("_mail", LAYOUT), part("_footer", "."))
    assert "<main>nothing</main>." == found


def test_a_partial_in_a_loop_sees_the_loop() -> None:
    found = made(
        "{% for each in [1, 2] %}{% include '_item' %}{% endfor %}", part("_item", "({{ Name }})"), name="A"
    )
    assert "(A)(A)" == found


@pytest.mark.parametrize(
    ("language", "expected"), [("en-GB", "en"), ("en", "en"), ("de", "ru"), ("ru", "ru")]
)
def test_a_part_is_taken_in_the_language_or_in_the_default_one(language: str, expected: str) -> None:
    parts = (part("_x", "en", "en"), part("_x", "ru", "ru"))
    assert expected == made("{% include '_x' %}", *parts, language=language)


def test_the_text_of_a_mail_takes_the_text_of_its_parts() -> None:
    whole = template("{% include '_x' %}", "email", body_text="{% include '_x' %}")
    found = TemplateRenderer().render(bundled(whole, among([part("_x", "<p>1</p>", body_text="one")])), {})
    assert ("<p>1</p>", "one") == (found.body, found.body_text)


@pytest.mark.parametrize(
    ("body", "parts", "words"),
    [
        ("{% include '_x' %}", {}, "part `_x` is not known"),
        ("{% include 'x' %}", {"x": "1"}, "by its name"),
        ("{% include Name %}", {}, "by its name"),
        ("{% include '_x' ignore missing %}", {}, "by its name"),
        ("{% include '_x' %}", {"_x": "{% include '_x' %}"}, "includes itself"),
        ("{% include '_x' %}", {"_x": "{% include '_y' %}", "_y": "{% include '_x' %}"}, "includes itself"),
        ("{% include '_x' %}", {"_x": "{% extends '_y' %}", "_y": "1"}, "cannot have a layout"),
        ("{% include '_x' %}", {"_x": "\n{{ open() }}"}, "calls are not allowed"),
        ("{% include '_x' %}", {"_x": "\n{% if %}"}, "part `_x`, line 2"),
        ("{% include '_x' %}", {"_x": "{{ Other }}"}, "undeclared variables: Other"),
        ("{% extends '_x' %}text", {"_x": "1"}, "text stands in blocks only"),
        ("{% block a %}{% endblock %}{% extends '_x' %}", {"_x": "1"}, "behind `extends`"),
        (
            "{% extends '_x' %}{% block a %}{{ super() }}{% endblock %}",
            {"_x": "{% block a %}{% endblock %}"},
            "calls",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(body: str, parts: dict[str, str], words: str) -> None:
    with pytest.raises(RenderFailedError, match=words):
        made(body, *(part(name, text) for name, text in parts.items()))


def test_parts_that_double_each_other_are_refused_before_they_fill_memory() -> None:
    parts = [part(f"_{n}", f"{{% include '_{n + 1}' %}}" * 50) for n in range(4)]
    with pytest.raises(RenderFailedError, match="too deep or too long"):
        made("{% include '_0' %}", *parts, part("_4", "x" * 1000))
