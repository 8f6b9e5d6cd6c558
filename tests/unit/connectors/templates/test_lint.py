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


@pytest.mark.spec("NS-TPL-020 NS-TPL-OP-06")
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


@pytest.mark.spec("NS-SEC-040 NS-SEC-OP-09")
@pytest.mark.parametrize("channel", ["email", "sms", "push", "in_app"])
def test_ns_sec_op_09_a_marketing_template_without_the_link_is_refused(channel: str) -> None:
    assert [level for level, _ in remarks("x", channel=channel, category="marketing")] == ["error"]


@pytest.mark.spec("NS-SEC-OP-09")
def test_ns_sec_op_09_the_text_part_of_a_marketing_mail_needs_the_link_too() -> None:
    form = {"UnsubscribeUrl": {"type": "string"}}
    found = remarks("{{ UnsubscribeUrl }}", category="marketing", variables=form, body_text="x")
    assert [("error", "a marketing body_text must use `UnsubscribeUrl` (NS-SEC-OP-09)")] == found


@pytest.mark.parametrize("name", ["UnsubscribeUrl", "unsubscribe_url"])
def test_a_marketing_mail_with_the_link_is_clean(name: str) -> None:
    assert remarks("{{ " + name + " }}", category="marketing", variables={name: {"type": "string"}}) == []


@pytest.mark.spec("NS-API-OP-05")
@pytest.mark.parametrize("channel", ["push", "in_app"])
def test_ns_api_op_05_a_push_without_title_is_refused(channel: str) -> None:
    told = f"a template of the channel {channel} needs a `title`"
    assert [("error", told)] == remarks("x", channel=channel, title=None)


@pytest.mark.spec("NS-CH-OP-08")
def test_a_long_sms_is_warned_of_with_its_segments() -> None:
    text = "я" * 190 + "{{ A }}{% if A %}{{ A }}{% endif %}"
    found = remarks(text, channel="sms", variables={"A": {"type": "string"}})
    assert found == [
        ("warning", "about 4 SMS segments, in UCS-2 because of 'я'; more than 3 are expensive (NS-CH-OP-08)")
    ]


def test_ns_ch_op_08_segments_are_counted_in_a_sample_with_its_parts() -> None:
    template = Template(
        name="t",
        channel_type="sms",
        language_code="ru",
        body='{% for each in Items %}{{ each.Name }}{% endfor %}{% include "_end" %}',
        variables={
            "Items": {
                "type": "array",
                "minItems": 20,
                "items": {"type": "object", "properties": {"Name": {}}},
            }
        },
        parts={"_end": {"body": "x" * 310}},
    )
    assert ["about 4 SMS segments; more than 3 are expensive (NS-CH-OP-08)"] == [
        each.text for each in lint(template)
    ]
