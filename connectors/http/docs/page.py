"""`GET /docs`: the OpenAPI document of this port for people, with a form to try each operation.

Made of the very document that `/openapi.json` answers. Script and style come from here and from nowhere
else, and the page may talk to this server only. What is typed in as a credential stays in the page.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from connectors.http.access import PREFIX
from connectors.http.openapi import DOCUMENT
from connectors.http.operation import Answer, Operation
from connectors.http.problems import SERVER, Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH: Final = "/docs"
SCRIPT_PATH, STYLE_PATH = f"{PATH}/page.js", f"{PATH}/page.css"
HTML, SCRIPT, STYLE = "text/html", "text/javascript", "text/css"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
)
HEADERS: Final = {
    "Server": SERVER,
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",
    "X-Robots-Tag": "noindex",
}
OFF: Final = ProblemError(Code.NOT_FOUND)
WAYS: Final = {
    "apiKey": "an API key with scope",
    "person": "a person's token with role",
    "gatewaySecret": "the gateway",
}
HERE: Final = files("connectors.http.docs")
VERSION: Final = re.compile(r"v?\d[\d.]*")
QUOTED: Final = re.compile(r"`([^`]+)`")


def _operation(what: str, media: str) -> Operation:
    answers = (Answer(200, "It.", str, {"short": "…"}, media),)
    about = "For people, in a browser; 404 where the settings switch it off."
    return Operation(summary=what, about=about, answers=answers, refusals=(OFF,))


SHOW: Final = _operation("The page that shows this document", HTML)
SHOW_SCRIPT: Final = _operation("The script of the page", SCRIPT)
SHOW_STYLE: Final = _operation("The style of the page", STYLE)


class Asset:
    """A file beside this module; the page itself is made of the document when it is first asked for."""

    def __init__(self, ports: EdgePorts, name: str = "", media: str = HTML) -> None:
        self._is_on = ports.has_docs
        self._media = media
        self._text = HERE.joinpath(name).read_text() if name else ""

    async def __call__(self, request: web.Request, _caller: Caller, _trace: Trace) -> web.Response:
        """Answer the text."""
        if not self._is_on:
            raise OFF
        if not self._text:
            self._text = page(msgspec.json.decode(request.app[DOCUMENT]))
        return web.Response(text=self._text, content_type=self._media, charset="utf-8", headers=HEADERS)


def script(ports: EdgePorts) -> Asset:
    """The script."""
    return Asset(ports, "page.js", SCRIPT)


def style(ports: EdgePorts) -> Asset:
    """The style sheet."""
    return Asset(ports, "page.css", STYLE)


def page(document: Mapping[str, Any]) -> str:
    """The document as HTML."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["coded"] = _coded
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
    template = environment.from_string(HERE.joinpath("page.html").read_text())
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in operations(document):
        groups.setdefault(one["group"], []).append(one)
    schemas = document["components"]["schemas"]
    return template.render(info=document["info"], groups=groups, schemas=schemas)


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each operation with what the page shows of it."""
    shared = document["components"]["parameters"]
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            own = [each for each in told["parameters"] if "$ref" not in each or _name(each) not in shared]
            body = told.get("requestBody", {}).get("content", {}).get("application/json")
            yield {
                "id": told["operationId"],
                "group": _group(path),
                "method": method.upper(),
                "path": path,
                "summary": told["summary"],
                "description": told["description"],
                "ways": [_way(entry) for entry in told["security"]],
                "parameters": own,
                "body": body,
                "example": next(iter(body["examples"].values()))["value"] if body else None,
                "responses": told["responses"],
            }


def _group(path: str) -> str:
    """The first word of a path that is no version."""
    words = path.removeprefix(PREFIX).strip("/").split("/")
    return next((word for word in words if not VERSION.fullmatch(word)), words[0])


def _coded(text: str) -> Markup:
    """Text in which names stand between backticks, as HTML."""
    return Markup(QUOTED.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


def _name(reference: Mapping[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def _way(entry: Mapping[str, list[str]]) -> str:
    told = [f"{WAYS[name]} {' or '.join(scopes)}".strip() for name, scopes in entry.items()]
    return " and ".join(told) or "nobody's"
