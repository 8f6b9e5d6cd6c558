"""`GET …/mailbox/page`: a bell with a user's messages, to try and to take along into other pages.

Script and style come from here, and the page may talk to this server only. A token that is typed in stays in
the page. Another page takes the script by its address: it opens the WebSocket, and asks for nothing else.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from aiohttp import web

from connectors.http.access import PREFIX
from connectors.http.docs.page import HEADERS, HTML, SCRIPT, STYLE
from connectors.http.operation import Answer, Operation
from connectors.http.problems import Code, ProblemError

if TYPE_CHECKING:
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH: Final = f"{PREFIX}/mailbox/page"
SCRIPT_PATH, STYLE_PATH = f"{PATH}.js", f"{PATH}.css"
HERE: Final = files("connectors.http.mailbox")
OFF: Final = ProblemError(Code.NOT_FOUND)


def _operation(what: str, media: str) -> Operation:
    answers = (Answer(200, "It.", str, {"short": "…"}, media),)
    about = "For people, in a browser; 404 where this process serves no mailboxes."
    return Operation(summary=what, about=about, answers=answers, refusals=(OFF,))


SHOW: Final = _operation("A page with a bell", HTML)
SHOW_SCRIPT: Final = _operation("The bell", SCRIPT)
SHOW_STYLE: Final = _operation("The style of the bell", STYLE)


class Asset:
    """A file beside this module."""

    def __init__(self, ports: EdgePorts, name: str, media: str) -> None:
        self._is_on = ports.mailbox is not None
        self._media = media
        self._text = HERE.joinpath(name).read_text(encoding="utf-8")

    async def __call__(self, _request: web.Request, _caller: Caller, _trace: Trace) -> web.Response:
        """Answer the text."""
        if not self._is_on:
            raise OFF
        return web.Response(text=self._text, content_type=self._media, charset="utf-8", headers=HEADERS)


def page(ports: EdgePorts) -> Asset:
    """The page."""
    return Asset(ports, "page.html", HTML)


def script(ports: EdgePorts) -> Asset:
    """The script."""
    return Asset(ports, "page.js", SCRIPT)


def style(ports: EdgePorts) -> Asset:
    """The style sheet."""
    return Asset(ports, "page.css", STYLE)
