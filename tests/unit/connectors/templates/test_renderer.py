"""Rendering: what a template may say, what its data may be, and where it ends."""

from __future__ import annotations

import pytest

from connectors.templates import RenderFailedError, TemplateRenderer
from schemas.records import Content
from tests.unit.connectors.templates.rendering import (
    ARRAY,
    NUMBER,
    OBJECT,
    STRING,
    refusal,
    rendered,
    template,
)


@pytest.mark.spec("NS-SND-016 NS-OPS-121 NS-TPL-002")
def test_a_mail_gets_its_four_parts() -> None:
    mail = template(
        "<p>{{ Name }}</p>",
        "email",
        subject="To {{ Name }}",
        title="{{ Name }}!",
        body_text="{{ Name }}",
        variables={"Name": STRING},
    )
    expected = Content(body="<p>A&amp;B</p>", subject="To A&B", title="A&B!", body_text="A&B")
    assert expected == TemplateRenderer().render(mail, {"Name": "A&B"})


def test_what_one_part_sets_no_other_part_sees() -> None:
    mail = template(
        "{{ Name }}",
        "email",
        subject="{% set Name = 'somebody' %}To {{ Name }}",
        title="{{ Name }}",
        variables={"Name": STRING},
    )
    expected = Content(body="Anna", subject="To somebody", title="Anna", body_text=None)
    assert expected == TemplateRenderer().render(mail, {"Name": "Anna"})


def test_only_the_html_of_a_mail_is_escaped() -> None:
    value = {"X": (STRING, "<b>")}
    assert rendered("{{ X }}", value, "email") == "&lt;b&gt;"
    assert rendered("{{ X }}", value, "sms") == "<b>"
    assert rendered("{{ X }}", value, "push") == "<b>"


@pytest.mark.spec("NS-TPL-OP-03")
@pytest.mark.parametrize(
    "source",
    [
        "{{.UserName}}",
        "{{ .UserName }}",
        "{{- .UserName -}}",
        "{% if .UserName and not (.UserName == 'x') %}Anna{% endif %}",
        "{% for x in .UserName|list %}{{ x }}{% endfor %}",
    ],
)
def test_a_leading_dot_is_an_alias(source: str) -> None:
    assert rendered(source, {"UserName": (STRING, "Anna")}) == "Anna"


def test_a_dot_in_text_or_in_a_string_stays() -> None:
    assert rendered("{{ '.a' }} .b {{ X.y }}", {"X": (OBJECT, {"y": "c"})}) == ".a .b c"


def test_items_of_objects_are_reached_by_dot_and_by_key() -> None:
    order = {"id": 7, "lines": [{"name": "a"}, {"name": "b"}], "items": "own key"}
    body = "{{ O.id }}{{ O['id'] }}{{ O.lines[1].name }}{{ O.lines[-1]['name'] }} {{ O.items }}"
    assert rendered(body, {"O": (OBJECT, order)}) == "77bb own key"


@pytest.mark.spec("NS-TPL-003")
def test_conditions_loops_and_filters_work() -> None:
    body = (
        "{% for x in L if x > 1 %}{{ loop.index }}:{{ x }}{{ ',' if not loop.last }}"
        "{% else %}none{% endfor %} "
        "{% if L|length >= 3 %}many{% elif L %}some{% endif %} {{ L|join('+') }} {{ (L|sum / 2)|round }} "
        "{{ L|map('string')|join }} {% for k, v in O|items %}{{ k }}={{ v }}{% endfor %} {{ 2 in L }} "
        "{% set total = L|max * 10 %}{{ total ~ ' RUB' }} {{ O|dictsort|length }} {{ L[:2]|join }}"
    )
    values = {"L": (ARRAY, [1, 2, 3]), "O": (OBJECT, {"a": 1})}
    assert rendered(body, values) == "1:2,2:3 many 1+2+3 3 123 a=1 True 30 RUB 1 12"


def test_comma_separated_lists_can_be_made_with_the_loop() -> None:
    body = "{% for x in L %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}"
    assert rendered(body, {"L": (ARRAY, ["a", "b"])}) == "a, b"


def test_an_optional_variable_that_is_missing_or_null_is_empty() -> None:
    optional = {"type": "string", "required": False}
    body = "[{{ X }}{{ X or 'a' }}{{ X|default('b') }}{% if X is defined %}c{% endif %}]"
    assert rendered(body, {"X": (optional, None)}) == "[ab]"
    sms = template(body, variables={"X": optional})
    assert TemplateRenderer().render(sms, {}).body == "[ab]"


def test_variables_that_nobody_declared_are_not_passed() -> None:
    sms = template("hi", variables={})
    assert TemplateRenderer().render(sms, {"extra": object()}).body == "hi"


@pytest.mark.spec("NS-TPL-020 NS-TPL-OP-06")
def test_missing_and_wrongly_typed_variables_are_all_named_before_rendering() -> None:
    sms = template("{{ A }}{{ B }}{{ C }}", variables={"A": STRING, "B": NUMBER, "C": {"type": "boolean"}})
    with pytest.raises(RenderFailedError) as caught:
        TemplateRenderer().render(sms, {"B": "secret", "C": 1})
    assert (
        str(caught.value) == "variable `A` is missing; variable `B` is no number; variable `C` is no boolean"
    )


def test_true_is_no_number() -> None:
    assert refusal("{{ X }}", {"X": (NUMBER, True)}) == "variable `X` is no number"


def test_an_undeclared_variable_is_refused() -> None:
    assert refusal("{{ Nobody }}") == "undeclared variables: Nobody"


@pytest.mark.spec("NS-SEC-013 NS-TPL-OP-03 NS-TPL-021")
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ X.__class__ }}", "`__class__` is not there"),
        ("{{ X['__class__'] }}", "`__class__` is not there"),
        ("{{ 'a'.__class__.__mro__ }}", "`__class__` is not there"),
        ("{{ X|attr('__class__') }}", "No filter named 'attr'"),
        ("{{ [X]|map(attribute='__class__')|join }}", "constants only"),
        ("{{ X.copy() }}", "calls are not allowed"),
        ("{{ range(9) }}", "calls are not allowed"),
        ("{{ cycler('a') }}", "calls are not allowed"),
        ("{% for x in X recursive %}{% endfor %}", "recursive"),
        ("{% macro m() %}{% endmacro %}", "macros"),
        ("{% include 'x' %}", "include"),
        ("{% import 'x' as x %}", "import"),
        ("{% extends 'x' %}", "extend"),
        ("{% set x %}a{% endset %}", "`assignblock` is not allowed"),
        ("{% filter upper %}a{% endfilter %}", "`filterblock` is not allowed"),
        ("{{ 2 ** 9 }}", "powers"),
        ("{{ '%s'|format(1) }}", "No filter named 'format'"),
        ("{{ X|safe }}", "No filter named 'safe'"),
        ("{{ X|random }}", "No filter named 'random'"),
        ("{{ 'a'|center(1000) }}", "No filter named 'center'"),
        ("{{ '%d' % 1 }}", "needs two numbers"),
        ("{{ 'a' * 1000 }}", "needs two numbers"),
        ("{{ X == X }}", "not compared"),
        ("{{ X }}", "loop over it"),
        ("{{ loop }}", "undeclared variables: loop"),
        ("{{ self }}", "`self` is not allowed"),
        ("{{ ' meter' }}{{ X[' meter'] }}", "is not there"),
        ("line\n{% if %}", "line 2"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ 1.5|round(99) }}", "precision"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "cannot be compiled"),
        ("{% for a in X %}" * 30 + "{% endfor %}" * 30, "cannot be compiled"),
    ],
)
def test_attacks_and_mistakes_are_refused_by_name(source: str, words: str) -> None:
    assert words in refusal(source, {"X": (OBJECT, {"a": 1})})


@pytest.mark.parametrize(("part", "longest"), [("subject", 500), ("title", 255)])
def test_subject_and_title_have_their_columns_length(part: str, longest: int) -> None:
    fits = template("b", "email", variables={"S": STRING}, **{part: "{{ S }}"})
    assert getattr(TemplateRenderer().render(fits, {"S": "x" * longest}), part) == "x" * longest
    with pytest.raises(RenderFailedError, match=f"{part}, line 1: the output is longer than {longest}"):
        TemplateRenderer().render(fits, {"S": "x" * (longest + 1)})


def test_a_line_break_in_data_makes_no_new_header() -> None:
    mail = template("b", "email", subject="Hi {{ S }}", variables={"S": STRING})
    assert TemplateRenderer().render(mail, {"S": "A\r\nBcc: x\x00y"}).subject == "Hi A Bcc: x y"


@pytest.mark.parametrize(
    "source", ["{{ S|int / 0 }}", "{{ S.x }}", "{{ L[S] }}", "{{ S * 2 }}", "{{ L[S].y }}"]
)
def test_failures_never_tell_values(source: str) -> None:
    assert "hush" not in refusal(source, {"S": (STRING, "hush"), "L": (OBJECT, {"a": {}})})


def test_the_line_of_a_failure_is_told() -> None:
    assert refusal("a\nb\n{{ X.y }}", {"X": (OBJECT, {})}) == "body, line 3: `y` is not there"


@pytest.mark.spec("NS-OPS-004 NS-OPS-112")
def test_a_failing_template_fails_again_from_memory() -> None:
    renderer, broken = TemplateRenderer(), template("{{ x( }}")
    for _ in range(2):
        with pytest.raises(RenderFailedError, match="body, line 1"):
            renderer.render(broken, {})


def test_another_text_under_the_same_version_is_not_mistaken() -> None:
    renderer = TemplateRenderer(capacity=1)
    assert renderer.render(template("one"), {}).body == "one"
    assert renderer.render(template("two"), {}).body == "two"
    assert renderer.render(template("three", version=2), {}).body == "three"
    assert renderer.render(template("two"), {}).body == "two"


def test_an_unknown_type_of_a_variable_is_refused() -> None:
    assert "its type must be one of string, number, boolean, array, object" in refusal(
        "{{ X }}",
        {"X": ({"type": "date"}, "x")},
    )


@pytest.mark.parametrize(("channel", "expected"), [("sms", 2), ("push", None)])
def test_ns_ch_op_08_a_text_message_knows_its_segments(channel: str, expected: int | None) -> None:
    assert expected == TemplateRenderer().render(template("я" * 71, channel), {}).segments
