"""A template as somebody would get it, before anybody does (NS-TPL-026, NS-TPL-OP-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from connectors.sms import Measured, measured
from connectors.templates.renderer import TemplateRenderer
from connectors.templates.variables import SHOWN
from schemas.errors import RenderFailedError
from schemas.words import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content, Template

TYPICAL_VALUE = "x" * 8
MOST_SAMPLES = 1000


class Preview(NamedTuple):
    """What was made. `sms`: how an operator counts it, for text messages only."""

    content: Content
    sms: Measured | None


def preview(template: Template, data: Mapping[str, Any], *, with_samples: bool = False) -> Preview:
    """Render; `RenderFailedError` says why not. `with_samples` fills in what `data` lacks."""
    given = sample(template.variables) | dict(data) if with_samples else data
    content = TemplateRenderer(capacity=1).render(template, given)
    return Preview(content, measured(content.body) if template.channel_type == Channel.SMS else None)


def sample(variables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A value for each variable: its example, else one that its description allows."""
    return {name: _value(form) for name, form in variables.items()}


def sampled(template: Template) -> Preview | None:
    """The preview with samples only; None when such samples do not fit the template."""
    try:
        return preview(template, {}, with_samples=True)
    except RenderFailedError:
        return None


def _value(form: Mapping[str, Any], room: int = MOST_SAMPLES) -> Any:
    if "example" in form:
        return form["example"]
    if form.get("enum"):
        return form["enum"][0]
    return MAKERS[form.get("type", "string")](form, room)


def _items(form: Mapping[str, Any], room: int) -> list[Any]:
    """Arrays in arrays share the room: a thousand items on each of eight levels would be no sample."""
    count = max(1, min(form.get("minItems", 1), room))
    return [_value(form.get("items", {}), room // count)] * count


def _properties(form: Mapping[str, Any], room: int) -> dict[str, Any]:
    return {name: _value(inner, room) for name, inner in form.get("properties", {}).items()}


def _number(form: Mapping[str, Any], _room: int) -> float:
    wished: float = min(1, form.get("maximum", 1))
    lowest: float = form.get("minimum", wished)
    return max(lowest, wished)


def _text(form: Mapping[str, Any], _room: int) -> str:
    if form.get("format") == "uri" or form.keys() & SHOWN:
        return "https://example.com/"
    wished: int = max(form.get("minLength", 0), len(TYPICAL_VALUE))
    longest: int = form.get("maxLength", wished)
    return "x" * min(wished, longest, MOST_SAMPLES)


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], int], Any]]] = {
    "string": _text,
    "number": _number,
    "boolean": lambda _form, _room: True,
    "array": _items,
    "object": _properties,
}
