"""Gives a template the parts it uses, as they are now, to keep with this version of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from connectors.templates.compiled import PARTS, PLAIN
from connectors.templates.splicing import is_part, names_used
from schemas.languages import languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from schemas.records import Template

    Find = Callable[[str, str, str], Template | None]

TEXTS = ("body", "body_text")


def bundled(template: Template, find: Find) -> Template:
    """The template with its parts, and theirs. `find`: name, channel and language → the part.

    A part that is not found is left out, and the compiler tells.
    """
    parts: dict[str, dict[str, Any]] = {}
    waiting = _used(template)
    while waiting:
        name = waiting.pop()
        part = None if name in parts else _found(name, template, find)
        if part is not None:
            parts[name] = {text: getattr(part, text) for text in TEXTS if getattr(part, text) is not None}
            waiting += _used(part)
    return replace(template, parts=dict(sorted(parts.items())))


def among(templates: Iterable[Template]) -> Find:
    """Look parts up among these."""
    parts = {
        (each.name, each.channel_type, each.language_code): each for each in templates if is_part(each.name)
    }

    def find(name: str, channel: str, language: str) -> Template | None:
        return parts.get((name, channel, language))

    return find


def _used(template: Template) -> list[str]:
    sources = [source for part in PARTS if (source := getattr(template, part)) is not None]
    return list(dict.fromkeys(name for source in sources for name in names_used(PLAIN, source)))


def _found(name: str, template: Template, find: Find) -> Template | None:
    for language in languages(template.language_code):
        part = find(name, template.channel_type, language)
        if part is not None:
            return part
    return None
