"""Templates and their variables: a text of bounded length, or the one error that says why not."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from connectors.templates import RenderFailedError, TemplateRenderer, lint
from connectors.templates.bounded import BOUNDED
from connectors.templates.filters import PLAIN_FILTERS
from connectors.templates.questions import PLAIN_TESTS
from connectors.templates.renderer import MAIL_BYTES, SHORT_BYTES, SUBJECT_CHARS, TITLE_CHARS
from schemas.codec import encode
from schemas.records import Template
from tests.fuzz.target import Target
from tests.strategies import JSON

NAMES = ("Text", "Number", "Items", "Thing", "Flag")
KINDS = {"Text": "string", "Number": "number", "Items": "array", "Thing": "object", "Flag": "boolean"}
ATOMS = st.sampled_from(
    [
        *NAMES,
        "loop.index",
        "loop.previtem",
        "item",
        "item.a",
        "Thing.a",
        "Thing['a']",
        "Items[0]",
        "Items[1:]",
        "Items[::-1]",
        "Nothing",
        "Text.__class__",
        "'%s'",
        "'a' * 9",
        "9",
        "-1",
        "1.5e308",
        "9999999999999999999999",
        "none",
        "true",
        "[]",
        "{}",
        "{'a': Items}",
        "(Items,)",
        "range(9)",
        "self",
    ]
)
FILTERS = st.sampled_from(
    [*PLAIN_FILTERS, *BOUNDED, "round", "default", "d", "center", "format", "attr", "nobody"]
)
ARGUMENTS = st.sampled_from(
    [
        "",
        "()",
        "(9)",
        "('a')",
        "('a', 'b')",
        "('', Text)",
        "(Items)",
        "(-1)",
        "(10**9)",
        "(true)",
        "(attribute='a')",
        "('upper')",
    ]
)
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "<", "in", "and", "or", "**"]
TESTS = st.sampled_from([*PLAIN_TESTS, "defined", "in", "sameas", "nobody"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}|{}{}".format, inner, FILTERS, ARGUMENTS),
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} is {}{})".format, inner, TESTS, ARGUMENTS),
        st.builds("({}|{}|{})".format, inner, FILTERS, FILTERS),
        st.builds("{}.{}".format, inner, st.sampled_from(["a", "items", "0", "__init__"])),
        st.builds("not {}".format, inner),
    )


EXPRESSIONS = st.recursive(ATOMS, _grown, max_leaves=8)


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{{% for item in {} %}}{}{{% endfor %}}".format, EXPRESSIONS, inner),
        st.builds(
            "{{% for item in {} if {} %}}{}{{% else %}}{}{{% endfor %}}".format,
            EXPRESSIONS,
            EXPRESSIONS,
            inner,
            inner,
        ),
        st.builds("{{% if {} %}}{}{{% endif %}}".format, EXPRESSIONS, inner),
        st.builds("{{% set Text = {} %}}{}".format, EXPRESSIONS, inner),
        st.builds("{}{}".format, inner, inner),
    )


SOURCES = st.recursive(
    st.builds("{{{{ {} }}}}".format, EXPRESSIONS)
    | st.builds("{{{{.{}}}}}".format, ATOMS)
    | st.text(max_size=10)
    | st.sampled_from(
        ["{{", "{%", "{#", "{% raw %}", "{% macro m() %}{% endmacro %}", "{% include 'a' %}", "\0", "\ud800"]
    ),
    _nested,
    max_leaves=6,
)
MANY = st.integers(0, 2000).map(lambda count: list(range(count))) | st.integers(0, 300).map(
    lambda count: ["<%&ж" * 20] * count
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "Text": JSON | st.text() | st.integers(0, 5000).map(lambda count: "%ж<" * count),
        "Number": JSON | st.integers() | st.floats(),
        "Items": JSON | MANY | MANY.map(lambda inner: [inner] * 20),
        "Thing": JSON | st.dictionaries(st.sampled_from(["a", "items", "keys", "b"]), JSON | MANY),
        "Flag": JSON,
    },
)
TEMPLATES = st.builds(
    Template,
    name=st.just("t"),
    channel_type=st.sampled_from(["email", "sms", "push"]),
    language_code=st.just("en"),
    body=SOURCES,
    subject=st.none() | SOURCES,
    title=st.none() | SOURCES,
    body_text=st.none() | SOURCES,
    variables=st.just({name: {"type": kind, "required": False} for name, kind in KINDS.items()})
    | st.dictionaries(
        st.sampled_from(NAMES), st.dictionaries(st.sampled_from(["type", "required", "secret"]), JSON)
    ),
)


def check_template(given: tuple[Template, dict[str, Any]]) -> None:
    """Rendered and within its limits, and able to travel on; or refused."""
    template, values = given
    lint(template)
    with suppress(RenderFailedError):
        content = TemplateRenderer(capacity=1).render(template, values)
        longest = MAIL_BYTES if template.channel_type == "email" else SHORT_BYTES
        assert len(content.body.encode("utf-8", "replace")) <= longest
        assert len(content.subject or "") <= SUBJECT_CHARS
        assert len(content.title or "") <= TITLE_CHARS
        for line in (content.subject, content.title):
            assert line is None or not set(line) & {"\r", "\n", "\0"}
        encode(content)


TARGETS = [
    Target.of("templates", "any template with any variables", st.tuples(TEMPLATES, VALUES), check_template),
]
