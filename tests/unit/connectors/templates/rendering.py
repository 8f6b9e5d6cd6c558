"""Templates in short, and what a render gives or refuses."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.templates import RenderFailedError, TemplateRenderer
from schemas.records import Template

STRING = {"type": "string"}


ARRAY = {"type": "array"}


OBJECT = {"type": "object"}


NUMBER = {"type": "number"}


def template(body: str, channel: str = "sms", **fields: Any) -> Template:
    return Template(name="t", channel_type=channel, language_code="en", body=body, **fields)


def rendered(body: str, variables: dict[str, tuple[dict[str, Any], Any]], channel: str = "sms") -> str:
    kinds = {name: kind for name, (kind, _) in variables.items()}
    values = {name: value for name, (_, value) in variables.items()}
    return TemplateRenderer().render(template(body, channel, variables=kinds), values).body


def refusal(body: str, variables: dict[str, tuple[dict[str, Any], Any]] | None = None) -> str:
    with pytest.raises(RenderFailedError) as caught:
        rendered(body, variables or {})
    return str(caught.value)
