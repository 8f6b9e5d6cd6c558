"""What `apply` is told about a template."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.templates import lint
from schemas.records import Template


def remarks(body: str, channel: str = "email", **fields: Any) -> list[tuple[str, str]]:
    fields = {"subject": "s", "title": "t"} | fields
    found = lint(Template(name="t", channel_type=channel, language_code="ru", body=body, **fields))
    assert all(finding.template == f"t.{channel}.ru" for finding in found)
    return [(finding.level, finding.text) for finding in found]


def test_a_clean_template_has_no_remarks() -> None:
    assert remarks("{{ A }}", variables={"A": {"type": "string"}}) == []


@pytest.mark.parametrize(
    ("body", "fields", "level", "words"),
    [
        ("{{ A }}", {}, "error", "undeclared variables: A"),
        ("{% if %}", {}, "error", "body, line 1"),
        ("x", {"subject": "{{ A }}"}, "error", "undeclared variables: A"),
        ("x", {"subject": None}, "error", "needs a `subject`"),
        ("x", {"subject": "y" * 501}, "error", "subject is longer than 500"),
        ("x", {"title": "y" * 256}, "error", "title is longer than 255"),
        ("x", {"category": "spam"}, "error", "category must be one of"),
        ("x", {"variables": {"A": {"type": "date"}}}, "error", "its type must be one of"),
        ("x", {"variables": {"A": {"type": "string"}}}, "warning", "`A` is declared and not used"),
        ("x", {"category": "marketing"}, "error", "must use `UnsubscribeUrl`"),
    ],
)
def test_each_fault_is_told(body: str, fields: dict[str, Any], level: str, words: str) -> None:
    found = remarks(body, **fields)
    assert [(level, True)] == [(told, words in text) for told, text in found]


def test_an_unknown_channel_is_told() -> None:
    assert remarks("x", channel="pigeon") == [
        ("error", "channel_type must be one of email, sms, push, in_app")
    ]


def test_a_marketing_push_without_the_link_is_only_warned_of() -> None:
    assert [level for level, _ in remarks("x", channel="push", category="marketing")] == ["warning"]


@pytest.mark.parametrize("name", ["UnsubscribeUrl", "unsubscribe_url"])
def test_a_marketing_mail_with_the_link_is_clean(name: str) -> None:
    assert remarks("{{ " + name + " }}", category="marketing", variables={name: {"type": "string"}}) == []


def test_a_push_without_title_is_warned_of() -> None:
    assert [level for level, _ in remarks("x", channel="push", title=None)] == ["warning"]


def test_a_long_sms_is_warned_of_with_its_segments() -> None:
    text = "я" * 190 + "{{ A }}{% if A %}{{ A }}{% endif %}"
    found = remarks(text, channel="sms", variables={"A": {"type": "string"}})
    assert found == [("warning", "about 4 SMS segments; more than 3 are expensive (NS-CH-OP-08)")]
