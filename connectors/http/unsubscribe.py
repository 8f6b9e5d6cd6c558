"""`GET` and `POST …/unsubscribe?token=…`: the link of a message, without a login (NS-API-OP-10, RFC 8058).

Link scanners open every `GET`, so it only shows a page; `POST` acts, from the page or from a mail program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.http.access import PREFIX
from connectors.http.operation import Answer, Header, Operation, Variable
from connectors.http.preferences import RETRY_SOON, Handler
from connectors.http.problems import Code, ProblemError
from connectors.http.unsubscribe_page import page
from connectors.links import LONGEST_TOKEN, Link, LinkError

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.traces import Trace

PATH = f"{PREFIX}/unsubscribe"
HTML = "text/html"
TOKEN = Variable(
    "token",
    "What the message's link carries.",
    {"type": "string", "maxLength": LONGEST_TOKEN},
    "k1.WyJ1Il0.c2ln",
    "query",
)
LANGUAGE = Header("Accept-Language", "`ru` or `en`; Russian without one.", "en")
LOST = Answer(404, "The link is damaged, or of a key that is gone.", str, {"a page": "<!doctype html>"}, HTML)
SHOW = Operation(
    summary="What a link would do",
    about="A page with a button. Nothing is changed, however often it is opened.",
    answers=(Answer(200, "The page.", str, {"a page": "<!doctype html>"}, HTML), LOST),
    headers=(LANGUAGE,),
    variables=(TOKEN,),
)
ACT = Operation(
    summary="Unsubscribe by a link",
    about=(
        "With one click: a mail program posts `List-Unsubscribe=One-Click` (RFC 8058), the page's button an"
        " empty form; the body is not looked at. Again is as good as once."
    ),
    answers=(Answer(200, "It is taken.", str, {"a page": "<!doctype html>"}, HTML), LOST),
    refusals=(ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON),),
    headers=(LANGUAGE,),
    variables=(TOKEN,),
)


class ShowLink(Handler):
    """`GET`: never acts."""

    async def __call__(self, request: web.Request, _caller: Caller, _trace: Trace) -> web.Response:
        """Answer the page that asks."""
        accepted = request.headers.get("Accept-Language", "")
        link = self._link(request)
        return page("lost", "", accepted, 404) if link is None else page("ask", link.channel, accepted)

    def _link(self, request: web.Request) -> Link | None:
        if self.ports.links is None:
            return None
        try:
            return self.ports.links.read(request.query.get("token", ""))
        except LinkError:
            return None


class FollowLink(ShowLink):
    """`POST`: unsubscribes."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Write it, then answer the page that says so."""
        accepted = request.headers.get("Accept-Language", "")
        link = self._link(request)
        if link is None:
            return page("lost", "", accepted, 404)
        reason = f"link of {link.campaign}" if link.campaign else "link"
        data = {"channel_type": link.channel, "reason": reason}
        await self.publish(link.user_id, ("user.unsubscribed", data), trace)
        return page("done", link.channel, accepted)
