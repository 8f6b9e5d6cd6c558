"""Whatever is in a text, a template shows it as text, within its limits, and runs nothing of it."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sms import GSM_BASIC, GSM_EXTENDED, measured
from connectors.templates import RenderFailedError, TemplateRenderer
from connectors.templates.bundle import among, bundled
from connectors.templates.renderer import SHORT_BYTES, SUBJECT_CHARS
from schemas.records import Template

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
NASTY = ANY | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=1>',
        "{{ 7 * 7 }}",
        "{% include '_x' %}",
        "&lt;",
        "'",
        "\0",
    ]
)
GSM = st.text(st.sampled_from(sorted(GSM_BASIC | GSM_EXTENDED)), max_size=700)
STRING = {"A": {"type": "string"}}


class Trap(str):
    """A text whose every attribute and call is noticed."""

    __slots__ = ()
    touched: list[str] = []  # noqa: RUF012 - one list for all

    def __getattribute__(self, name: str) -> Any:
        if name in {"secret", "upper", "format", "__class__", "__html__", "__call__"}:
            Trap.touched.append(name)
        return super().__getattribute__(name)


class Seen(HTMLParser):
    """What a mail reader makes of a text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(body: str, value: Any, channel: str = "email", **fields: Any) -> Any:
    template = Template(
        name="t", channel_type=channel, language_code="en", body=body, variables=STRING, **fields
    )
    part = Template(name="_p", channel_type=channel, language_code="en", body="<i>{{ A }}</i>")
    return TemplateRenderer(capacity=1).render(bundled(template, among([part])), {"A": value})


@pytest.mark.spec("NS-TPL-OP-05")
@given(NASTY)
@settings(deadline=None)
def test_ns_tpl_op_05_a_value_adds_no_tag_and_no_attribute_to_a_mail(value: str) -> None:
    source = '<a title="{{ A }}">{{ A }}</a>{% include "_p" %}'
    body = rendered(source, value).body
    seen = Seen()
    seen.feed(body)
    seen.close()
    assert ["a", "i"] == [tag for tag, _ in seen.tags]
    assert ["title"] == [name for name, _ in seen.tags[0][1]]
    assert value == unescape(body.partition("<i>")[2].removesuffix("</i>")) or "\0" in value or "\r" in value
    assert not set("<>\"'") & set(body.partition("<i>")[2].removesuffix("</i>"))


@pytest.mark.spec("NS-TPL-021")
@given(NASTY, st.sampled_from(["sms", "push", "in_app"]))
@settings(deadline=None)
def test_ns_tpl_021_other_channels_show_the_value_as_it_is(value: str, channel: str) -> None:
    assert value == rendered("{{ A }}", value, channel).body


@given(NASTY)
@settings(deadline=None)
def test_a_subject_is_one_line_of_bounded_length(value: str) -> None:
    subject = rendered("x", value, subject="{{ A }}").subject
    assert len(subject) <= SUBJECT_CHARS
    assert not any(ord(letter) < 32 for letter in subject)


@pytest.mark.spec("NS-TPL-OP-05")
@given(
    st.lists(
        st.sampled_from(["{{ A }}", "{% for a in [1,2,3,4,5,6,7,8,9] %}", "{% endfor %}", "{{ A ~ A }}"]),
        max_size=12,
    ),
    st.integers(0, 2000),
)
@settings(deadline=None)
def test_ns_tpl_op_05_whatever_loops_the_output_has_its_limit(pieces: list[str], length: int) -> None:
    try:
        body = rendered("".join(pieces), "ж" * length, "sms").body
    except RenderFailedError:
        return
    assert len(body.encode()) <= SHORT_BYTES


@pytest.mark.spec("NS-TPL-OP-05")
@given(
    st.sampled_from(
        ["secret", "upper", "__class__", "__class__.__mro__", "format", "__init__.__globals__", "join"]
    ),
    st.sampled_from(
        ["{{ A.%s }}", "{{ A['%s'] }}", "{%% if A.%s %%}1{%% endif %%}", "{{ A.%s() }}", "{{ A|attr('%s') }}"]
    ),
)
@settings(deadline=None)
def test_ns_tpl_op_05_no_attribute_is_read_and_nothing_called(name: str, form: str) -> None:
    Trap.touched.clear()
    template = Template(
        name="t",
        channel_type="sms",
        language_code="en",
        body=form % name,
        variables={"A": {"type": "object"}},
    )
    value = {"inner": Trap("x")}
    try:
        found = TemplateRenderer(capacity=1).render(template, {"A": value}).body
    except RenderFailedError:
        found = ""
    assert ("", []) == (found, Trap.touched)


@pytest.mark.spec("NS-CH-OP-08")
@given(ANY | GSM)
def test_ns_ch_op_08_segments_hold_the_text_and_none_is_wasted(text: str) -> None:
    found = measured(text)
    single, part = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    assert (found.encoding == "GSM-7") == (set(text) <= GSM_BASIC | GSM_EXTENDED)
    if found.segments == 1:
        assert found.places <= single
    else:
        assert found.places > single
        assert (found.segments - 1) * (part - 1) < found.places <= found.segments * part
    assert (found.culprit is None) == (found.encoding == "GSM-7")


@given(GSM)
def test_ns_ch_op_08_one_cyrillic_letter_makes_it_ucs_2(text: str) -> None:
    found = measured(text + "я")
    assert ("UCS-2", len(text) + 1, "я") == (found.encoding, found.places, found.culprit)
