"""The document of the quarantine is true: schemathesis drives it."""

from __future__ import annotations

from dataclasses import replace

from connectors.http.openapi import PUBLIC, encoded
from connectors.http.quarantine import PATH
from connectors.http.routes import EDGE, app_of
from schemas.codec import Decoder
from schemas.records import AnomalyFound, QuarantineOrdered
from tests.fuzz.documented import driven
from tests.fuzz.test_documented import Broker, edge_ports
from tests.unit.connectors.http.edge import NOW
from tests.unit.connectors.http.issuer import token

FEW = 5
HELD = AnomalyFound(
    source="crm", notification_type="marketing_promo", since=NOW, count=9, average=1, is_held=True
)


async def listed() -> list[AnomalyFound]:
    return [HELD]


def test_the_quarantine_does_what_its_document_says() -> None:
    """A time is refused that its schema takes: behind us, or where no approval is."""
    broker = Broker()
    routes = [route for route in EDGE if route.path == PATH]
    headers = {"Authorization": f"Bearer {token(sub='ann', roles=['admin'])}"}
    app = app_of(routes, replace(edge_ports(broker), list_anomalies=listed), PUBLIC)
    found = driven(app, encoded(PUBLIC, routes), FEW, headers, ("400",))
    assert {} == found.faults
    assert {(f"GET {PATH}", 200), (f"POST {PATH}", 202), (f"POST {PATH}", 400)} <= found.answered
    for _, value in broker.produced:
        Decoder(QuarantineOrdered)(value)
