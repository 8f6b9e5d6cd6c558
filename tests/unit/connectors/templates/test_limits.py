"""What a template may not do: attacks by name, and budgets of turns, sizes and numbers."""

from __future__ import annotations

import pytest

from connectors.templates import RenderFailedError, TemplateRenderer
from tests.unit.connectors.templates.rendering import (
    ARRAY,
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
