"""Templates: a sandboxed Jinja2 whose loops, values and output are counted (NS-TPL-OP-03, OP-05, OP-06).

`TemplateRenderer` fulfils `agents.ports.Renderer`; `carillon apply` asks `lint` before it stores a template.
"""

from __future__ import annotations

from connectors.templates.lint import Finding, lint
from connectors.templates.renderer import TemplateRenderer
from schemas.errors import RenderFailedError

__all__ = ["Finding", "RenderFailedError", "TemplateRenderer", "lint"]
