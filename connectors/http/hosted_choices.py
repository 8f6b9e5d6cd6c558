"""`GET` and `POST …/preferences?token=…`: a user's choices on a page of ours, by the link of a message.

No login and no cookie: the signed link says whose they are. Only a form that we made for him changes
anything, so neither a scanner that posts links nor a page elsewhere does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

import msgspec

from connectors.http import choice_groups as chosen
from connectors.http.choice_page import Content, choice_page, sorry_page, spoken
from connectors.http.operation import Answer, Operation, Variable
from connectors.http.preference_changes import changed
from connectors.http.preferences import Handler, raw_of
from connectors.http.problems import Code, ProblemError
from connectors.http.unsubscribe import HTML, LANGUAGE, TOKEN
from connectors.links import PREFERENCES_PATH, LinkError

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.choices import Kind, Stored
    from connectors.http.policies import Caller
    from connectors.http.traces import Trace
    from connectors.links import LinkSigner

PATH = PREFERENCES_PATH
MOST_FIELDS = 500
SAMPLE = {"a page": "<!doctype html>"}
LANG = Variable("lang", "Instead of the header.", {"enum": ["ru", "en"]}, "en", "query")
LOST = Answer(404, "The link is damaged, has ended, or is of a key that is gone.", str, SAMPLE, HTML)
AWAY = Answer(503, "Database or broker are away.", str, SAMPLE, HTML)
SHOW = Operation(
    summary="The page of a user's choices",
    about="What he gets and how, with a form to change it. Nothing is changed, however often it is opened.",
    answers=(Answer(200, "The page.", str, SAMPLE, HTML), LOST, AWAY),
    headers=(LANGUAGE,),
    variables=(TOKEN, LANG),
)
SAVE = Operation(
    summary="Change choices by the page",
    about=(
        "What the page's form sends: boxes as `on`, those ticked when shown as `shown`, and its own token"
        " as `form`. Without that nothing is changed, and the page is shown. Again is as good as once."
    ),
    answers=(Answer(200, "The page, with what holds from now on.", str, SAMPLE, HTML), LOST, AWAY),
    refusals=(
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.INVALID_JSON),
        ProblemError(Code.REQUEST_TIMEOUT),
    ),
    headers=(LANGUAGE,),
    variables=(TOKEN, LANG),
)


class Visit(NamedTuple):
    """Whose link was opened, and what is stored of him."""

    user_id: str
    token: str
    kinds: dict[str, Kind]
    stored: Stored


class ShowChoices(Handler):
    """`GET`: never acts."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer the page, or one that says why there is none."""
        language, signer = spoken(request), self.ports.links
        token = request.query.get("token", "")
        try:
            if signer is None:
                raise LinkError("there are no links")
            user_id = signer.read_page(token, self.ports.now_ms())
            visit = Visit(user_id, token, *await self.stored(user_id))
            return await self.answer(request, visit, signer, trace)
        except LinkError:
            return sorry_page(language, "lost", 404)
        except ProblemError as problem:
            if problem.code not in {Code.BROKER_UNAVAILABLE, Code.DATABASE_UNAVAILABLE}:
                raise
            return sorry_page(language, "away", 503)

    async def answer(
        self, request: web.Request, visit: Visit, signer: LinkSigner, _trace: Trace
    ) -> web.Response:
        """The page as things are."""
        return choice_page(spoken(request), content(visit, signer))


class SaveChoices(ShowChoices):
    """`POST`: writes what the form changed, then shows the page."""

    async def answer(
        self, request: web.Request, visit: Visit, signer: LinkSigner, trace: Trace
    ) -> web.Response:
        """The page as things are from now on."""
        fields = read_form(await raw_of(request))
        if not signer.is_form(next(iter(fields.get("form", [])), ""), visit.user_id):
            return choice_page(spoken(request), content(visit, signer))
        filled = chosen.Filled(frozenset(fields.get("on", [])), frozenset(fields.get("shown", [])))
        made = chosen.changes(visit.kinds, visit.stored, filled)
        if made.choices:
            name, data = changed(made.choices)
            await self.publish(visit.user_id, (name, msgspec.to_builtins(data)), trace)
        for event, words in (("user.unsubscribed", made.stops), ("user.resubscribed", made.returns)):
            for word in words:
                await self.publish(
                    visit.user_id, (event, {"channel_type": word, "reason": chosen.BY_PAGE}), trace
                )
        now = visit._replace(stored=chosen.after(visit.stored, made, self.ports.now_ms()))
        return choice_page(spoken(request), content(now, signer), saved=True)


def content(visit: Visit, signer: LinkSigner) -> Content:
    """What the page shows of a user."""
    kinds = list(visit.kinds.values())
    return Content(
        groups=chosen.groups(kinds, visit.stored),
        stopped=chosen.stopped(visit.stored),
        always=[kind.title for kind in kinds if kind.is_mandatory],
        token=visit.token,
        form=signer.form_token(visit.user_id),
    )


def read_form(raw: bytes) -> dict[str, list[str]]:
    """The fields of a form; none of what is no form."""
    try:
        return parse_qs(raw.decode("ascii"), max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        return {}
