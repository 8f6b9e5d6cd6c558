"""What is wrong with a template before it is sent: errors stop `apply`, warnings are shown (NS-TPL-OP-06)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.sms import segments
from connectors.templates.compiled import Compiled, compiled
from connectors.templates.renderer import SUBJECT_CHARS, TITLE_CHARS
from schemas.errors import RenderFailedError
from schemas.words import Category, Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.records import Template

SMS_SEGMENTS = 3
TYPICAL_VALUE = "x" * 8
UNSUBSCRIBE = "unsubscribeurl"  # compared without case and underscores

_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_MARK = re.compile(r"\{[%#].*?[%#]\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about one template."""

    level: str  # error | warning
    template: str  # name.channel.language
    text: str


def lint(template: Template) -> list[Finding]:
    """Find what would fail or surprise; an empty list is a clean template."""
    name = f"{template.name}.{template.channel_type}.{template.language_code}"
    remarks = [*_shape(template), *_text(template)]
    return [Finding(level, name, text) for level, text in remarks]


def _shape(template: Template) -> Iterator[tuple[str, str]]:
    """Check columns and words (NS-DATA-011…015)."""
    if template.channel_type not in set(Channel):
        yield "error", f"channel_type must be one of {', '.join(Channel)}"
    if template.category not in set(Category):
        yield "error", f"category must be one of {', '.join(Category)}"
    if template.channel_type == Channel.EMAIL and not template.subject:
        yield "error", "an email template needs a `subject`"
    if template.channel_type == Channel.PUSH and not template.title:
        yield "warning", "a push template without `title` shows the application's name"
    for part, longest in (("subject", SUBJECT_CHARS), ("title", TITLE_CHARS)):
        if len(getattr(template, part) or "") > longest:
            yield "error", f"{part} is longer than {longest} characters"


def _text(template: Template) -> Iterator[tuple[str, str]]:
    try:
        ready = compiled(template)
    except RenderFailedError as error:
        yield "error", str(error)
        return
    yield from _variables(template, ready)
    if template.channel_type == Channel.SMS and (count := segments(typical(template.body))) > SMS_SEGMENTS:
        yield "warning", f"about {count} SMS segments; more than {SMS_SEGMENTS} are expensive (NS-CH-OP-08)"


def _variables(template: Template, ready: Compiled) -> Iterator[tuple[str, str]]:
    used = {name for part in ready.parts for name in part.uses}
    for variable in ready.variables:
        if variable.name not in used and variable.name.replace("_", "").lower() != UNSUBSCRIBE:
            yield "warning", f"variable `{variable.name}` is declared and not used"
    body = next(part.uses for part in ready.parts if part.name == "body")
    if template.category == Category.MARKETING and not _offers_unsubscribe(body):
        strict = template.channel_type in {Channel.EMAIL, Channel.SMS}
        yield "error" if strict else "warning", "a marketing body must use `UnsubscribeUrl` (NS-SEC-OP-09)"


def _offers_unsubscribe(names: frozenset[str]) -> bool:
    return UNSUBSCRIBE in {name.replace("_", "").lower() for name in names}


def typical(source: str) -> str:
    """Guess the text a template makes: marks vanish, every value is eight letters."""
    return _MARK.sub("", _EXPRESSION.sub(TYPICAL_VALUE, source))
