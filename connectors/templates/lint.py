"""What is wrong with a template before it is sent: errors stop `apply`, warnings are shown (NS-TPL-OP-06)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.sms import measured
from connectors.templates.compiled import Compiled, compiled
from connectors.templates.preview import TYPICAL_VALUE, sampled
from connectors.templates.renderer import SUBJECT_CHARS, TITLE_CHARS
from connectors.templates.rich import payload_bytes
from connectors.templates.splicing import is_part
from schemas.errors import RenderFailedError
from schemas.links import LINKS, UNSUBSCRIBE, plain
from schemas.words import Category, Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.records import Template

SMS_SEGMENTS = 3
PUSH_BYTES = 3_500
"""Of the 4 096 that vendors take; the rest is for ids and their own words."""
TYPICAL_CHARS = 8 * 1024

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
    if not is_part(template.name):
        yield from _heading(template)
    for part, longest in (("subject", SUBJECT_CHARS), ("title", TITLE_CHARS)):
        if len(getattr(template, part) or "") > longest:
            yield "error", f"{part} is longer than {longest} characters"


def _heading(template: Template) -> Iterator[tuple[str, str]]:
    """Check what stands above the body (NS-API-OP-05)."""
    if template.channel_type == Channel.EMAIL and not template.subject:
        yield "error", "an email template needs a `subject`"
    if template.channel_type in {Channel.PUSH, Channel.IN_APP} and not template.title:
        yield "error", f"a template of the channel {template.channel_type} needs a `title`"


def _text(template: Template) -> Iterator[tuple[str, str]]:
    try:
        ready = compiled(template)
    except RenderFailedError as error:
        yield "error", str(error)
        return
    if is_part(template.name):
        return
    yield from _variables(template, ready)
    if template.channel_type == Channel.SMS:
        yield from _segments(template)
    if template.channel_type == Channel.PUSH:
        yield from _size(template)


def _segments(template: Template) -> Iterator[tuple[str, str]]:
    """Count a sample; samples that do not fit leave the text with its marks taken out."""
    made = sampled(template)
    found = measured(made.content.body if made else typical(template.body))
    if found.segments > SMS_SEGMENTS:
        because = f", in {found.encoding} because of {found.culprit!r}" if found.culprit else ""
        about = f"about {found.segments} SMS segments{because}"
        yield "warning", f"{about}; more than {SMS_SEGMENTS} are expensive (NS-CH-OP-08)"


def _size(template: Template) -> Iterator[tuple[str, str]]:
    """Weigh a sample: what is too large ends before its vendor is called."""
    made = sampled(template)
    if made and (size := payload_bytes(made.content)) > PUSH_BYTES:
        yield "warning", f"about {size} bytes of text and addresses; vendors take no more than {PUSH_BYTES}"


def _variables(template: Template, ready: Compiled) -> Iterator[tuple[str, str]]:
    used = {name for part in ready.parts for name in part.uses}
    for variable in ready.variables:
        is_shown = variable.name in ready.rich.names
        if variable.name not in used and not is_shown and plain(variable.name) not in LINKS:
            yield "warning", f"variable `{variable.name}` is declared and not used"
    if template.category == Category.MARKETING:
        for part in ready.parts:
            if part.name in {"body", "body_text"} and not _offers_unsubscribe(part.uses):
                yield "error", f"a marketing {part.name} must use `UnsubscribeUrl` (NS-SEC-OP-09)"


def _offers_unsubscribe(names: frozenset[str]) -> bool:
    return UNSUBSCRIBE in {plain(name) for name in names}


def typical(source: str) -> str:
    """Guess the text a template makes: marks vanish, every value is eight letters.

    Of a long one the beginning: each mark that never ends is searched for to the end.
    """
    return _MARK.sub("", _EXPRESSION.sub(TYPICAL_VALUE, source[:TYPICAL_CHARS]))
