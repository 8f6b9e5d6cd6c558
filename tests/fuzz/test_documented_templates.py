"""The routes of templates do what their document says: schemathesis drives them by it."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.openapi import PUBLIC, encoded
from connectors.http.ports import BrokerUnavailableError, EdgePorts, Trial
from connectors.http.routes import TEMPLATES, app_of
from connectors.http.template_forms import PATH as PATH_OF_TEMPLATES
from connectors.memory_templates import MemoryTemplates
from connectors.metrics import HttpMetrics
from connectors.templates.desk import Desk
from tests.fuzz.documented import driven
from tests.fuzz.test_documented import FEW, Broker
from tests.unit.connectors.http.edge import NOW, entry


@pytest.mark.timeout(900)  # nine routes with large bodies: half a minute of CPU
def test_the_routes_of_templates_do_what_their_document_says() -> None:
    memory = MemoryTemplates(lambda: NOW)
    broker = Broker()

    async def publish() -> None:
        if await broker.reachable() is not None:
            raise BrokerUnavailableError

    async def send(trial: Trial) -> str:
        await publish()
        return trial.request_key

    metrics = HttpMetrics(CollectorRegistry())
    authenticate = Authority(KeyBook([entry("ck_live_editor", "templates")]), []).authenticate
    ports = EdgePorts(
        Broker(),
        authenticate,
        lambda: NOW,
        metrics,
        templates=Desk(memory.opened, publish),
        send_trial=send,
    )
    headers = {"Authorization": "Bearer ck_live_editor"}
    app, document = app_of(TEMPLATES, ports, PUBLIC), encoded(PUBLIC, TEMPLATES)
    found = driven(app, document, FEW, headers, ("400", "412", "422"))
    assert {} == found.faults
    assert {f"{route.method} {route.path}" for route in TEMPLATES} == {label for label, _ in found.answered}
    create, one = f"POST {PATH_OF_TEMPLATES}", f"GET {PATH_OF_TEMPLATES}/{{id}}"
    assert {(create, 201), (create, 400), (create, 503), (one, 200), (one, 404)} <= found.answered
