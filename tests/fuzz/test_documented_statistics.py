"""Statistics over HTTP do what their part of the OpenAPI document says."""

from __future__ import annotations

from dataclasses import replace

from connectors.http.openapi import PUBLIC, encoded
from connectors.http.routes import EDGE, edge_app
from connectors.postgres.errors import PostgresUnavailableError
from connectors.statistics import Asked, Group
from schemas.statistics import METRICS
from tests.fuzz.documented import driven
from tests.fuzz.test_documented import AWAY_EVERY, DRAWN, edge_ports
from tests.unit.connectors.http.edge import SHOP_KEY


class Store:
    """Knows sums of every period, but is away one time in five."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, asked: Asked) -> list[Group]:
        self.asked += 1
        if self.asked % AWAY_EVERY == 0:
            raise PostgresUnavailableError("away")
        sums: dict[str, int] = dict.fromkeys(METRICS, asked.end_at - asked.start_at)
        return [Group("email", "promo", "one", sums), Group(None, None, None, sums)]


def test_statistics_do_what_their_document_says() -> None:
    """400 where an end lies before its start, or too far behind it: no schema says that."""
    routes = [route for route in EDGE if route.name == "delivery_stats"]
    found = driven(
        edge_app(replace(edge_ports(), count_delivery=Store())),
        encoded(PUBLIC, routes),
        DRAWN // 4,
        SHOP_KEY,
        ("400",),
    )
    asked = f"GET {routes[0].path}"
    assert {} == found.faults
    assert {(asked, 200), (asked, 400), (asked, 503)} <= found.answered
