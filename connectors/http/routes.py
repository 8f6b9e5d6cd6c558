"""The tables of routes, and the one way from a route to its answer: trace, authenticate, handle, count.

A route without a policy or without its part of the OpenAPI document cannot be written down; a test looks for
routes that do not come from the tables.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import web

from connectors.http import device_operations as of_devices
from connectors.http import (
    devices,
    health,
    hosted_choices,
    keys,
    openapi,
    ops,
    persons,
    preferences,
    quarantine,
    quiet_hours,
    seen,
    seen_batch,
    send,
    send_batch,
    send_cancel,
    send_state,
    statistics,
    templates,
    unsubscribe,
    webhooks,
)
from connectors.http import preference_operations as told
from connectors.http import template_forms as forms
from connectors.http.audience import handlers
from connectors.http.audience import operations as of
from connectors.http.campaigns import handlers as campaigns
from connectors.http.campaigns import operations as of_campaigns
from connectors.http.credentials import asked
from connectors.http.docs import page as docs
from connectors.http.mailbox import handlers as mailbox
from connectors.http.mailbox import operations as of_mailbox
from connectors.http.mailbox import page as widget
from connectors.http.mailbox.gateway import PATH as WS_PATH
from connectors.http.mailbox.gateway import Gateway
from connectors.http.policies import Operations
from connectors.http.ports import EdgePorts, OpsPorts
from connectors.http.problems import Code, ProblemError, plain_response, problem_response
from connectors.http.route import Ports
from connectors.http.route import Route as Route  # noqa: PLC0414 - handed on
from connectors.http.route import edge_route as _edge
from connectors.http.traces import Trace, traced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLIENT_GONE = 499
_log = structlog.get_logger(__name__)


TEMPLATES: Final[tuple[Route[EdgePorts], ...]] = (
    _edge("templates_create", "POST", forms.PATH, templates.Create, forms.CREATE),
    _edge("templates_list", "GET", forms.PATH, templates.List, forms.LIST),
    _edge("templates_get", "GET", forms.ONE, templates.Get, forms.GET),
    _edge("templates_edit", "PUT", forms.ONE, templates.Edit, forms.EDIT),
    _edge("templates_delete", "DELETE", forms.ONE, templates.Delete, forms.DELETE),
    _edge("templates_versions", "GET", forms.VERSIONS, templates.Versions, forms.SHOW_VERSIONS),
    _edge("templates_rollback", "POST", forms.ROLLBACK, templates.RollBack, forms.ROLL_BACK),
    _edge("templates_preview", "POST", forms.PREVIEW, templates.Previewed, forms.SHOW_PREVIEW),
    _edge("templates_test_send", "POST", forms.TRIAL, templates.TrialSent, forms.SEND_TRIAL),
)
CHOICES: Final = preferences.PATH
PREFERENCES: Final[tuple[Route[EdgePorts], ...]] = (
    _edge("preferences", "GET", CHOICES, preferences.Shown, told.SHOW),
    _edge("choose", "PUT", CHOICES, preferences.Put, told.PUT),
    _edge("preference_types", "GET", f"{CHOICES}/types", preferences.Types, told.TYPES),
    _edge("unsubscribe", "POST", f"{CHOICES}/unsubscribe", preferences.Unsubscribe, told.UNSUBSCRIBE),
    _edge(
        "resubscribe",
        "DELETE",
        f"{CHOICES}/unsubscribe/{{channel_type}}",
        preferences.Resubscribe,
        told.RESUBSCRIBE,
    ),
    _edge("consent", "PUT", f"{CHOICES}/consents/{{purpose}}", preferences.PutConsent, told.CONSENT),
    _edge("quiet_hours", "PUT", quiet_hours.PATH, quiet_hours.SetQuiet, quiet_hours.SET),
    _edge("quiet_hours_forget", "DELETE", quiet_hours.PATH, quiet_hours.ForgetQuiet, quiet_hours.FORGET),
    _edge("choices_page", "GET", hosted_choices.PATH, hosted_choices.ShowChoices, hosted_choices.SHOW),
    _edge("choices_save", "POST", hosted_choices.PATH, hosted_choices.SaveChoices, hosted_choices.SAVE),
    _edge("unsubscribe_page", "GET", unsubscribe.PATH, unsubscribe.ShowLink, unsubscribe.SHOW),
    _edge("unsubscribe_link", "POST", unsubscribe.PATH, unsubscribe.FollowLink, unsubscribe.ACT),
)
DEVICES: Final[tuple[Route[EdgePorts], ...]] = (
    _edge("device_register", "POST", devices.PATH, devices.Register, of_devices.REGISTER),
    _edge("device_switch", "PUT", devices.ONE, devices.Switch, of_devices.SWITCH),
    _edge("device_list", "GET", devices.OF_USER, devices.List, of_devices.LIST),
)
MAILBOX: Final[tuple[Route[EdgePorts], ...]] = (
    _edge("ws", "GET", WS_PATH, Gateway, of_mailbox.CONNECT),
    _edge("mailbox", "GET", of_mailbox.PATH, mailbox.ShowMailbox, of_mailbox.SHOW),
    _edge("mailbox_act", "POST", of_mailbox.ACTS, mailbox.ActOnMailbox, of_mailbox.ACT),
    _edge("mailbox_page", "GET", widget.PATH, widget.page, widget.SHOW),
    _edge("mailbox_script", "GET", widget.SCRIPT_PATH, widget.script, widget.SHOW_SCRIPT),
    _edge("mailbox_style", "GET", widget.STYLE_PATH, widget.style, widget.SHOW_STYLE),
)
EDGE: Final[tuple[Route[EdgePorts], ...]] = (
    _edge("seen", "POST", seen.PATH, seen.SeenPost, seen.OPERATION),
    _edge("seen_batch", "POST", seen_batch.PATH, seen_batch.BatchPost, seen_batch.OPERATION),
    _edge("send", "POST", send.PATH, send.SendPost, send.OPERATION),
    _edge("send_batch", "POST", send_batch.PATH, send_batch.BatchPost, send_batch.OPERATION),
    _edge("cancel", "POST", send_cancel.PATH, send_cancel.CancelPost, send_cancel.OPERATION),
    _edge("webhook", "POST", webhooks.PATH, webhooks.WebhookPost, webhooks.OPERATION),
    _edge("webhook_called", "GET", webhooks.PATH, webhooks.WebhookPost, webhooks.CALLED),
    _edge("delivery_stats", "GET", statistics.PATH, statistics.DeliveryGet, statistics.OPERATION),
    _edge("message", "GET", send_state.PATH, send_state.StateGet, send_state.OPERATION),
    _edge("publish", "POST", of.PUBLISH_PATH, handlers.Publish, of.PUBLISH),
    _edge("unpublish", "POST", of.UNPUBLISH_PATH, handlers.Unpublish, of.UNPUBLISH),
    _edge("status", "GET", of.STATUS_PATH, handlers.Status, of.STATUS),
    _edge("AdminPublish", "POST", of.ADMIN_PATH, handlers.AdminPublish, of.ADMIN),
    _edge("campaigns", "GET", of_campaigns.PATH, campaigns.ByQuery, of_campaigns.BY_QUERY),
    _edge("campaigns_of_body", "POST", of_campaigns.PATH, campaigns.ByBody, of_campaigns.BY_BODY),
    _edge("key_create", "POST", keys.PATH, keys.handling(keys.create), keys.CREATE),
    _edge("key_list", "GET", keys.PATH, keys.handling(keys.show), keys.LIST),
    _edge("key_revoke", "DELETE", keys.ONE, keys.handling(keys.revoke), keys.REVOKE),
    _edge("key_rotate", "POST", keys.ROTATE, keys.handling(keys.rotate), keys.CHANGE_OVER),
    _edge("person_export", "GET", persons.EXPORT_PATH, persons.Export, persons.EXPORT),
    _edge("person_erase", "POST", persons.ERASURE_PATH, persons.Erase, persons.ERASE),
    _edge("quarantine", "GET", quarantine.PATH, quarantine.Show, quarantine.SHOW),
    _edge("quarantine_order", "POST", quarantine.PATH, quarantine.Give, quarantine.GIVE),
    _edge("health", "GET", health.PATH, health.Health, health.OPERATION),
    _edge("openapi", "GET", openapi.PATH, openapi.Shown, openapi.OPERATION),
    _edge("docs", "GET", docs.PATH, docs.Asset, docs.SHOW),
    _edge("docs_script", "GET", docs.SCRIPT_PATH, docs.script, docs.SHOW_SCRIPT),
    _edge("docs_style", "GET", docs.STYLE_PATH, docs.style, docs.SHOW_STYLE),
    *PREFERENCES,
    *DEVICES,
    *MAILBOX,
    *TEMPLATES,
)
"""The public port; who may call what stands in `connectors/http/access.py`."""

OPS: Final[tuple[Route[OpsPorts], ...]] = (
    Route("livez", "GET", "/livez", Operations(), ops.Live, ops.LIVE),
    Route("readyz", "GET", "/readyz", Operations(), ops.Ready, ops.READY),
    Route("version", "GET", "/version", Operations(), ops.Version, ops.VERSION),
    Route("metrics", "GET", "/metrics", Operations(), ops.Metrics, ops.METRICS),
    Route("openapi", "GET", openapi.PATH, Operations(), openapi.Shown, openapi.OPERATION),
)
"""The operations port."""


def edge_app(ports: EdgePorts) -> web.Application:
    """Build the public application."""
    return app_of(EDGE, ports, openapi.PUBLIC)


def ops_app(ports: OpsPorts) -> web.Application:
    """Build the application of the operations port."""
    return app_of(OPS, ports, openapi.OPERATIONS)


def app_of(routes: Sequence[Route[Ports]], ports: Ports, about: openapi.About) -> web.Application:
    """Build an application of these routes and no others, with their document."""
    app = web.Application(client_max_size=seen_batch.LARGEST_BODY)
    app[openapi.DOCUMENT] = openapi.encoded(about, routes)
    allowed: dict[str, list[str]] = {}
    for route in routes:
        app.router.add_route(route.method, route.path, Guarded(route, ports).answer)
        allowed.setdefault(route.path, []).append(route.method)
    for path, methods in allowed.items():
        refusal = ProblemError(Code.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(methods)})
        app.router.add_route("*", path, Refused(refusal).answer)
    app.router.add_route("*", "/{anything:.*}", Refused(ProblemError(Code.NOT_FOUND)).answer)
    return app


class Guarded:
    """A route as aiohttp calls it. It answers with a response or a problem, and lets no exception through."""

    def __init__(self, route: Route[Ports], ports: Ports) -> None:
        self.route = route
        self._handle = route.make(ports)
        self._authenticate = ports.authenticate
        self._metrics = ports.metrics
        self._refused = plain_response if route.operation.has_plain_errors else problem_response

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._metrics.began()
        status = CLIENT_GONE
        try:
            response = await self._handled(request, traced(request.headers))
            status = response.status
        finally:
            self._metrics.ended(self.route.name, status, loop.time() - began)
        return response

    async def _handled(self, request: web.Request, trace: Trace) -> web.StreamResponse:
        told: Mapping[str, str] | None = None
        response: web.StreamResponse
        try:
            caller = await self._authenticate(asked(request), self.route.policy)
            told = caller.told
            response = await self._handle(request, caller, trace)
        except ProblemError as problem:
            response = self._refused(problem, trace.trace_id)
        except web.HTTPRequestEntityTooLarge:
            response = self._refused(ProblemError(Code.TOO_LARGE), trace.trace_id)
        except (ConnectionError, web.RequestPayloadError):  # the body never came whole
            response = self._refused(ProblemError(Code.INVALID_JSON), trace.trace_id)
        except Exception:  # noqa: BLE001 - the last place before the caller, who gets the trace id only
            _log.exception("request_failed", route=self.route.name, trace_id=trace.trace_id)
            response = self._refused(ProblemError(Code.INTERNAL), trace.trace_id)
        for name, value in (told or {}).items():
            response.headers.setdefault(
                name, value
            )  # the route's own limit, if it has one, was the nearer one
        return response


class Refused:
    """Answers what no route takes. Discloses nothing, so it needs no authentication."""

    def __init__(self, problem: ProblemError) -> None:
        self._problem = problem

    async def answer(self, request: web.Request) -> web.Response:
        """Answer 404 or 405."""
        return problem_response(self._problem, traced(request.headers).trace_id)
