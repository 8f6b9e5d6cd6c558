"""The public application with ports in memory, on a socket of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.ports import EdgePorts
from connectors.http.routes import edge_app
from connectors.http.seen import PATH
from connectors.http.server import Runner
from connectors.metrics import HttpMetrics
from connectors.postgres.why import Explanation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from uuid import UUID

    from schemas.records import SeenPosted

NOW = 1_800_000_000_000
SECRET = "the gateway's secret"
KEY = "ck_live_abc"
SHOP = "ck_live_shop"
SHOP_KEY = {"Authorization": f"Bearer {SHOP}"}
AUDIENCE_KEY = "ck_live_audience"
CAMPAIGNS_KEY = "ck_live_campaigns"


class Entry(NamedTuple):
    """One API key as settings give it."""

    key_id: str
    sha256: str
    scopes: frozenset[str]


def entry(key: str, *scopes: str) -> Entry:
    return Entry(key[:10], sha256(key.encode()).hexdigest(), frozenset(scopes))


class Produced(NamedTuple):
    """One record that went to a topic."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, bytes]


class Edge:
    """The running application, what it published, and how its broker behaves."""

    def __init__(self) -> None:
        self.published: list[SeenPosted] = []
        self.headers: list[Mapping[str, bytes]] = []
        self.produced: list[Produced] = []
        self.known: dict[str, Explanation] = {}
        self.registry = CollectorRegistry()
        self.broker: Callable[[], Awaitable[None]] | None = None
        self.database: Callable[[], Awaitable[None]] | None = None
        self.client: TestClient[Any, Any]
        self.app: Any

    async def publish(self, record: SeenPosted, headers: Mapping[str, bytes]) -> None:
        if self.broker is not None:
            await self.broker()
        self.published.append(record)
        self.headers.append(headers)

    async def produce(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:
        if self.broker is not None:
            await self.broker()
        self.produced.append(Produced(topic, key, value, headers))

    async def explain(self, asked: UUID) -> Explanation:
        if self.database is not None:
            await self.database()
        return self.known.get(str(asked), Explanation(str(asked), (), ()))

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """One request of the shop, whose key may send and read."""
        told = SHOP_KEY | {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        data = None if body is None else BytesIO(raw)
        async with self.client.request(method, path, headers=told, data=data) as response:
            return response.status, await response.json(content_type=None), response.headers

    async def post(self, body: Any = None, **headers: str) -> tuple[int, Any, Mapping[str, str]]:
        """Post to the seen route. Bytes go as they are, anything else as JSON; `_` in header names is `-`."""
        given: dict[str, Any] = (
            {"data": body} if isinstance(body, bytes) else {"json": body or {"tag": "news", "id": "1"}}
        )
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(PATH, headers=told, **given) as response:
            return response.status, await response.json(content_type=None), response.headers

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


class Served(TestServer):
    """On a socket as the product listens on it."""

    async def _make_runner(self, **kwargs: Any) -> Runner:
        return Runner(self.app, **kwargs)


@asynccontextmanager
async def edge(**changes: Any) -> AsyncIterator[Edge]:
    """Serve with these ports changed."""
    one = Edge()
    metrics = HttpMetrics(one.registry)
    keys = [
        entry(KEY, "gateway"),
        entry("ck_test_def", "send"),
        entry(SHOP, "send", "stats"),
        entry(AUDIENCE_KEY, "audience"),
        *changes.pop("credentials", []),
        entry(CAMPAIGNS_KEY, "campaigns"),
        entry("ck_live_screen", "preferences"),
    ]
    authority = Authority(KeyBook(keys), ["an older secret", SECRET], refusals=metrics)
    ports: dict[str, Any] = {
        "publish": one.publish,
        "authenticate": authority.authenticate,
        "now_ms": lambda: NOW,
        "metrics": metrics,
        "produce": one.produce,
        "explain": one.explain,
        **changes,
    }
    one.app = edge_app(EdgePorts(**ports))
    async with TestClient(Served(one.app)) as client:
        one.client = client
        yield one
