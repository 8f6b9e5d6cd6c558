"""`GET` and `POST /inapp-communications/v1/campaigns`: what to show a person now (CRM-015, CRM-022)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from connectors.http.audience.reading import whole_body
from connectors.http.campaigns.bodies import CampaignsAnswer, CommunicationShown, Include, LabelShown
from connectors.http.campaigns.ports import NotCaughtUpError
from connectors.http.campaigns.reading import LARGEST_BODY, read_body, read_query, typed
from connectors.http.problems import Code, ProblemError, json_response
from schemas.ids import audience_user
from schemas.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiohttp import web

    from connectors.http.campaigns.bodies import CampaignsBody
    from connectors.http.campaigns.ports import Campaigns, Found
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

    Context = Callable[[Campaigns], Mapping[str, object]]

RETRY_SOON = {"Retry-After": "1"}
_moment = lru_cache(maxsize=4_096)(rfc3339)
_encode = msgspec.json.Encoder().encode


class _Asked:
    """What both ways of asking have in common."""

    def __init__(self, ports: EdgePorts) -> None:
        self._campaigns = ports.campaigns

    def _answer(self, body: CampaignsBody, context: Context, trace: Trace) -> web.Response:
        campaigns = self._campaigns
        if campaigns is None:
            raise ProblemError(Code.NOT_FOUND)
        users = [audience_user(user.id_type, user.id) for user in body.users]
        seen_too = Include.SEEN in body.include
        try:
            found = campaigns.of(users, context(campaigns), seen_too=seen_too)
            answer = CampaignsAnswer(
                labels=[_label(one, seen_too=seen_too) for one in found],
                communications=_content(found, campaigns) if Include.CONTENT in body.include else UNSET,
            )
        except NotCaughtUpError:
            raise ProblemError(Code.CATCHING_UP, headers=RETRY_SOON) from None
        response = json_response(_encode(answer), trace.request_id)
        response.headers["Cache-Control"] = "no-store"
        return response


class ByQuery(_Asked):
    """`GET`: ids and context are query parameters."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer one question."""
        body, texts = read_query(request.query)
        return self._answer(body, lambda campaigns: typed(texts, campaigns.known) if texts else {}, trace)


class ByBody(_Asked):
    """`POST`: the same in a body, which stands in no log of addresses."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer one question."""
        body = read_body(await whole_body(request, LARGEST_BODY))
        return self._answer(body, lambda _campaigns: body.context, trace)


def _label(found: Found, *, seen_too: bool) -> LabelShown:
    label = found.label
    return LabelShown(
        campaign_label=label.campaign_label,
        audience_label=label.audience_label,
        communication_id=label.communication_id,
        starts_at=_moment(label.starts_at),
        ends_at=_moment(label.ends_at),
        is_test_publication=label.is_test_publication,
        is_seen=found.is_seen if seen_too else UNSET,
    )


def _content(found: Sequence[Found], campaigns: Campaigns) -> list[CommunicationShown]:
    """Each communication once; one that was taken out of the reference data has no content any more."""
    names = dict.fromkeys(one.label.communication_id for one in found)
    known = [one for name in names if (one := campaigns.known.communication(name)) is not None]
    return [CommunicationShown(communication_id=one.id, kind=one.kind, content=one.content) for one in known]
