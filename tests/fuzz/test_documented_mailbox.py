"""The OpenAPI document of the mailbox is true: schemathesis drives its plain routes by it."""

from __future__ import annotations

from dataclasses import replace

from connectors.http.mailbox.ports import Item, MailboxPorts
from connectors.http.openapi import PUBLIC, encoded
from connectors.http.routes import MAILBOX, app_of
from tests.fuzz.documented import driven
from tests.fuzz.test_documented import DRAWN, Broker, edge_ports
from tests.unit.connectors.http.issuer import token
from tests.unit.connectors.http.mailbox_desk import USER, Desk

PERSON = {"Authorization": f"Bearer {token(sub=USER)}"}


def test_a_mailbox_does_what_its_document_says() -> None:
    desk = Desk()
    desk.put(Item("a", 10), Item("b", 11, is_seen=True))
    routes = [route for route in MAILBOX if route.name in {"mailbox", "mailbox_act"}]
    ports = replace(edge_ports(Broker()), mailbox=MailboxPorts(desk))
    found = driven(app_of(routes, ports, PUBLIC), encoded(PUBLIC, routes), DRAWN // 2, PERSON, ["400"])
    assert {} == found.faults
    assert {200, 202, 400, 503} <= {status for _, status in found.answered}


def test_what_is_shown_to_everybody_does_what_its_document_says() -> None:
    routes = [route for route in MAILBOX if route.name.startswith("mailbox_") and route.method == "GET"]
    ports = replace(edge_ports(), mailbox=MailboxPorts(Desk()))
    found = driven(app_of(routes, ports, PUBLIC), encoded(PUBLIC, routes), 2)
    assert {} == found.faults
    assert {(f"GET {route.path}", 200) for route in routes} <= found.answered
