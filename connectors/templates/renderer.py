"""Renders templates with a request's variables into contents of messages. Fulfils `agents.ports.Renderer`."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.sms import segments
from connectors.templates.compiled import Compiled, compiled
from schemas.errors import RenderFailedError
from schemas.records import Content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import Template

SUBJECT_CHARS = 500  # NS-DATA-014
TITLE_CHARS = 255  # NS-DATA-015
SHORT_BYTES = 4 * 1024
MAIL_BYTES = 512 * 1024
CACHED_TEMPLATES = 4096
CONTROLS = dict.fromkeys((*range(32), 127), " ")

TemplateKey = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class _Entry:
    template: Template
    ready: Compiled | None
    failure: str = ""


class TemplateRenderer:
    """Compiles each version of a template once and keeps it; also remembers that one cannot be compiled."""

    def __init__(self, capacity: int = CACHED_TEMPLATES) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[TemplateKey, _Entry] = OrderedDict()

    def render(self, template: Template, variables: Mapping[str, Any]) -> Content:
        """Make subject, title and bodies; `RenderFailedError` says why not, without values (NS-SND-062)."""
        ready = self._ready(template)
        values = ready.values(variables)
        longest = MAIL_BYTES if template.channel_type == "email" else SHORT_BYTES
        made = {part.name: part.render(values, _limit(part.name, longest)) for part in ready.parts}
        if len(made["body"].encode("utf-8", "replace")) > longest:
            raise RenderFailedError(f"body: longer than {longest} bytes")
        return Content(
            body=made["body"],
            subject=_one_line(made.get("subject")),
            title=_one_line(made.get("title")),
            body_text=made.get("body_text"),
            segments=segments(made["body"]) if template.channel_type == "sms" else None,
            **ready.rich.shown(values),
        )

    def _ready(self, template: Template) -> Compiled:
        key = (template.name, template.channel_type, template.language_code, template.version)
        entry = self._entries.get(key)
        if entry is None or (entry.template is not template and entry.template != template):
            entry = self._remember(key, template)
        if entry.ready is None:
            raise RenderFailedError(entry.failure)
        return entry.ready

    def _remember(self, key: TemplateKey, template: Template) -> _Entry:
        try:
            entry = _Entry(template, compiled(template))
        except RenderFailedError as error:
            entry = _Entry(template, None, str(error))
        self._entries[key] = entry
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return entry


def _limit(part: str, longest: int) -> int:
    return {"subject": SUBJECT_CHARS, "title": TITLE_CHARS}.get(part, longest)


def _one_line(text: str | None) -> str | None:
    """Join lines: a line break out of data must not become a header of its own."""
    return text if text is None or text.isprintable() else " ".join(text.translate(CONTROLS).split())
