"""What a template may not do: attacks by name, and budgets of turns, sizes and numbers."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from connectors.templates import RenderFailedError, TemplateRenderer
from connectors.templates.bounded import striptags
from connectors.templates.lint import typical
from connectors.templates.preview import sampled
from tests.unit.connectors.templates.rendering import (
    ARRAY,
    OBJECT,
    STRING,
    refusal,
    rendered,
    template,
)


@pytest.mark.spec("NS-TPL-OP-05")
@pytest.mark.parametrize(
    "source",
    [
        "{% for a in L %}{% for b in L %}{% endfor %}{% endfor %}",
        "{% for a in L %}{% for b in L %}{% for c in L %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in L if a < 0 %}{% for b in L %}{% endfor %}{% endfor %}" * 20,
        "{% for a in L %}{% if L|sort|join %}{% endif %}{% endfor %}",
        "{% for a in L %}{% if a in L %}{% endif %}{% endfor %}",
        "{% for a in L %}{{ L|map('string')|unique|list|length }}{% endfor %}",
        "{% for a in L|map('string') %}{% for b in L|map('string') %}{% endfor %}{% endfor %}",
    ],
)
def test_turns_of_loops_and_filters_end_with_the_budget(source: str) -> None:
    assert "more than 10000 turns" in refusal(source, {"L": (ARRAY, list(range(900)))})


def test_subject_and_body_share_one_budget() -> None:
    loop = "{% for a in L %}{% endfor %}"
    mail = template(loop, "email", subject=loop, variables={"L": ARRAY})
    assert TemplateRenderer().render(mail, {"L": [0] * 4000}).body == ""
    with pytest.raises(RenderFailedError, match="turns"):
        TemplateRenderer().render(mail, {"L": [0] * 6000})


def test_a_second_render_has_its_own_budget() -> None:
    renderer = TemplateRenderer()
    sms = template("{% for a in L %}{% endfor %}", variables={"L": ARRAY})
    assert [renderer.render(sms, {"L": [0] * 9000}).body for _ in range(3)] == ["", "", ""]


@pytest.mark.parametrize(
    "source",
    [
        "{% set a = S ~ S %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
        "{% set a = S + S %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
        "{{ S" + "|urlencode" * 40 + " }}",
        "{{ S" + "|replace('%', '%%%%%%%%%%%%%%%%%%%%')" * 20 + " }}",
        "{{ S|tojson" + "|tojson" * 40 + " }}",
    ],
)
def test_texts_cannot_be_doubled_without_end(source: str) -> None:
    assert refusal(source, {"S": (STRING, "%" * 1000)})


def test_numbers_cannot_grow_without_end() -> None:
    assert "too large" in refusal("{% set a = 9 %}" + "{% set a = a * a %}" * 60 + "{{ a }}")


def test_an_endless_output_stops_at_the_limit_of_its_part() -> None:
    ten = "x" * 10
    loop = "{% for a in L %}" + ten + "{% endfor %}"
    assert "body, line 1: the output is longer than 4096 characters" in refusal(
        loop, {"L": (ARRAY, [0] * 500)}
    )
    assert len(rendered(loop, {"L": (ARRAY, [0] * 500)}, "email")) == 5000


def test_limits_of_short_channels_count_bytes() -> None:
    assert "4096 bytes" in refusal("{{ S }}", {"S": (STRING, "я" * 3000)})


@pytest.mark.parametrize(
    "inside",
    [
        "{% set b = L[:] %}",
        "{% set b = S[::-1] %}",
        "{% if S == S2 %}{% endif %}",
        "{% if 'x' < S < S2 %}{% endif %}",
        "{% if S is eq(S2) %}{% endif %}",
        "{% if L is eq(L2) %}{% endif %}",
        "{% if S is lower %}{% endif %}",
        "{% if S is in(['a', 'b']) %}{% endif %}",
        "{% set b = S ~ 1 %}",
    ],
)
def test_what_takes_longer_for_a_longer_value_is_charged_by_its_size(inside: str) -> None:
    values = {
        "L": (ARRAY, list(range(900))),
        "L2": (ARRAY, list(range(900))),
        "S": (STRING, "x" * 20_000),
        "S2": (STRING, "x" * 20_000),
    }
    assert "more than 10000 turns" in refusal("{% for a in L %}" + inside + "{% endfor %}", values)


@pytest.mark.parametrize("inside", ["{% set b = a %}", "{% if a %}{% endif %}"])
def test_a_turn_costs_by_what_stands_in_it(inside: str) -> None:
    loop = "{% for a in L %}" + inside * 300 + "{% endfor %}"
    assert "more than 10000 turns" in refusal(loop, {"L": (ARRAY, [0] * 3_000)})


def test_a_usual_turn_costs_one() -> None:
    row = "<tr><td>{{ a.name|upper }}</td><td>{{ a.price }}{% if a.price > 9 %}!{% endif %}</td></tr>"
    items = [{"name": "n", "price": 1}] * 2_500  # a turn, and two for the filter: a loop of 3 333 has no more
    assert len(rendered("{% for a in L %}" + row + "{% endfor %}", {"L": (ARRAY, items)}, "email")) > 2_500


def test_a_template_has_a_limit_of_expressions() -> None:
    assert "body, line 1: more than 10000 expressions" in refusal("{% set a = [" + "1," * 10_000 + "] %}")


@pytest.mark.parametrize(
    "source",
    [
        "{{ D|tojson(4) }}",
        "{{ D|tojson }}",
        "{{ D|string }}",
        "{{ D.a|join }}",
        "{{ D.a|sort|length }}",
        "{% set b = D ~ 'x' %}",
    ],
)
def test_what_lies_inside_a_value_is_charged_before_it_is_written_out(source: str) -> None:
    wide: Any = [
        ["x" * 10] * 1_000
    ] * 1_000  # a million texts, as it would be written; a thousand lists in memory
    assert refusal(source, {"D": (OBJECT, {"a": wide})})


def test_nesting_has_a_limit() -> None:
    deep: Any = []
    for _ in range(17):
        deep = [deep]
    assert "deeper than 16 levels" in refusal("{{ D|tojson }}", {"D": (OBJECT, {"a": deep})})


@pytest.mark.parametrize("indent", ["5", "indent=10000", "-1", "'        '", "true"])
def test_json_is_not_indented_much(indent: str) -> None:
    refused = refusal("{{ D|tojson(" + indent + ") }}", {"D": (OBJECT, {"a": 1})})
    assert "an indent from 0 to 4" in refused


@pytest.mark.spec("NS-TPL-OP-05")
def test_json_may_be_indented_a_little() -> None:
    assert '{\n  "a": 1\n}' == rendered("{{ D|tojson(2) }}", {"D": (OBJECT, {"a": 1})})


def test_texts_of_one_join_are_charged_before_it() -> None:
    many = " ~ ".join(["S"] * 500)
    tracemalloc.start()
    try:
        assert "turns" in refusal("{{ " + many + " }}", {"S": (STRING, "x" * 60_000)})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10_000_000 < 500 * 60_000


@pytest.mark.parametrize("asked", ["odd", "even", "divisibleby(2)"])
def test_a_text_is_no_number_to_divide(asked: str) -> None:
    """`%` of a text would format it, to any width."""
    bomb = "%2000000000d"
    assert "need numbers" in refusal("{% if S is " + asked + " %}{% endif %}", {"S": (STRING, bomb)})
    assert "need numbers" in refusal("{% if '" + bomb + "' is " + asked + " %}{% endif %}")


def test_the_letters_of_a_text_are_not_joined() -> None:
    assert "needs an array" in refusal("{{ S|join('" + "x" * 256 + "') }}", {"S": (STRING, "a" * 600_000)})


def test_a_text_does_not_become_a_huge_number() -> None:
    assert "too large" in refusal(
        "{% if S|int(0, 16) is divisibleby(7) %}{% endif %}", {"S": (STRING, "f" * 100_000)}
    )


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("<p>a <b>b</b></p>", "a b"),
        ("a <!-- <b> --> c", "a c"),
        ("1 < 2 and <i>3</i> > 2", "1 3 > 2"),
        ("a < b", "a < b"),
        ("a <!-- b", "a <!-- b"),
        ("&lt;b&gt;", "<b>"),
    ],
)
def test_tags_are_stripped(text: str, stripped: str) -> None:
    assert stripped == str(striptags(text))


def test_tags_without_end_are_stripped_in_one_pass() -> None:
    """Quadratic searches of these would take minutes."""
    for text in ("<" * 600_000, "<!--" * 150_000, "<>" * 300_000, "<!---->" * 85_000, "<!-->" * 120_000):
        assert len(striptags(text)) <= len(text)


def test_samples_of_arrays_in_arrays_stay_small() -> None:
    form: dict[str, Any] = {"type": "string"}
    for _ in range(6):
        form = {"type": "array", "items": form, "minItems": 1_000}
    mail = template("{{ A|length }}", variables={"A": form | {"minItems": 1}})
    made = sampled(mail)  # each level has what is left of a thousand, or does not fit the description
    assert made is None or "1" == made.content.body


def test_a_long_template_is_guessed_in_one_pass() -> None:
    assert len(typical("{{" * 250_000)) < 10_000
