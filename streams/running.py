"""The whole pipeline on one machine: embedded servers where none are given, worker, HTTP, fake provider.

Every process is guarded: it ends with this one, however this one ends.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connectors.embedded.kafka import EmbeddedKafka, KafkaOptions, bindable, free_port
from connectors.embedded.key import kept_key
from connectors.embedded.postgres import EmbeddedPostgres
from connectors.embedded.process import EmbeddedError
from connectors.fake.resolver import RESOLVE_PATH
from streams.applying import apply_directory
from streams.children import FAKE, Children
from streams.keeping import Ended, Say, first_of, tell_end
from streams.migrating import bring_tables_up
from streams.servers import with_servers
from streams.settings import Settings
from streams.settings_urls import is_loopback
from streams.stages import stage_names
from streams.topics import create_topics

WORKER_OPS_OFFSET = 1
READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything is."""

    bootstrap: str
    dsn: str
    http: str
    http_ops: str
    worker_ops: str
    fake_url: str | None
    smtp: str | None
    ledger: Path | None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What runs: settings with all addresses, our processes, and how each server beside them ends."""

    settings: Settings
    at: Addresses
    children: Children
    ends: dict[str, Ended]

    async def keep(self, say: Say) -> str:
        """Start again who of ours ends; when a server ends, the sentence that says so."""
        ends = (tell_end(name, ended) for name, ended in self.ends.items())
        return await first_of(self.children.keep(say), *ends)


@asynccontextmanager
async def servers(settings: Settings, say: Say) -> AsyncIterator[tuple[Settings, dict[str, Ended]]]:
    """Start the servers that no setting names; the settings with both addresses; how each of them ends."""
    async with AsyncExitStack() as stack:
        ends: dict[str, Ended] = {}
        bootstrap, given = settings.kafka.bootstrap, settings.postgres.dsn
        dsn = given.get_secret_value() if given else None
        if bootstrap is None:
            options = KafkaOptions(
                cache=settings.embedded.cache_dir.expanduser(),
                port=settings.embedded.kafka_port,
                heap_mib=settings.embedded.kafka_heap_mib,
                say=say,
            )
            kafka = await stack.enter_async_context(EmbeddedKafka(settings.data_dir / "kafka", options))
            bootstrap, ends["Kafka"] = kafka.address, kafka.ended
            say(f"Kafka     {bootstrap}")
        if dsn is None:
            postgres = await stack.enter_async_context(EmbeddedPostgres(settings.data_dir / "postgres"))
            dsn, ends["Postgres"] = postgres.address, postgres.ended
            say("Postgres  ready")
        yield with_servers(settings, bootstrap, dsn), ends


def on_free_ports(settings: Settings) -> Settings:
    """The settings with HTTP ports that nobody uses, near the configured ones."""
    port = free_port(settings.http.port)
    ops_port = free_port(settings.http.ops_port, beside=port)
    while not bindable(ops_port + WORKER_OPS_OFFSET):
        ops_port = free_port(0, beside=port)
    return _with_http(settings, port=port, ops_port=ops_port)


@asynccontextmanager
async def pipeline(settings: Settings, say: Say, reference: Path | None = None) -> AsyncIterator[Pipeline]:
    """Servers, topics, tables, fake provider, worker and HTTP; at the end all of it stops in order.

    `reference`: a folder to apply before the stages start. EmbeddedError when a port of HTTP is in use.
    """
    async with AsyncExitStack() as stack:
        worker_ops = settings.http.ops_port + WORKER_OPS_OFFSET
        check_free(settings.http.port, settings.http.ops_port, worker_ops)
        settings, ends = await stack.enter_async_context(servers(settings, say))
        await prepare(settings, say)
        if reference is not None:
            applied = await apply_directory(settings, reference)
            say(f"Applied   {len(applied)} types, templates, rules, providers and tags")
        folder = settings.data_dir / "run"
        folder.mkdir(parents=True, exist_ok=True)
        children = Children(folder, stack)
        settings, fake = await _with_fake(settings, children)
        if fake:
            ends["The fake provider"] = partial(children.ended, FAKE)
        if settings.http.gateway_secret is None:
            settings = _with_http(settings, gateway_secret=SecretStr(_derived_secret(settings)))
        settings = with_links(settings)
        worker = _with_http(settings, ops_port=worker_ops)
        await children.start("worker", worker, "worker")
        await children.start("http", settings, "http")
        base = f"http://{settings.http.host}"
        addresses = Addresses(
            bootstrap=str(settings.kafka.bootstrap),
            dsn=settings.postgres.dsn.get_secret_value() if settings.postgres.dsn else "",
            http=f"{base}:{settings.http.port}",
            http_ops=f"{base}:{settings.http.ops_port}",
            worker_ops=f"{base}:{worker_ops}",
            fake_url=fake.get("url"),
            smtp=f"{settings.smtp.host}:{settings.smtp.port}",
            ledger=folder / "ledger.jsonl" if fake else None,
        )
        await children.wait_ready("worker", f"{addresses.worker_ops}/readyz")
        await children.wait_ready("http", f"{addresses.http_ops}/readyz")
        say(f"Stages    {', '.join(stage_names())}")
        yield Pipeline(settings, addresses, children, ends)


def with_links(settings: Settings) -> Settings:
    """The settings with a key and an address for links of messages, if neither is given.

    The links lead to this machine alone, so there are none when HTTP is for others.
    """
    http = settings.http
    if http.link_keys is not None or http.public_url is not None or not is_loopback(http.host):
        return settings
    key = base64.b64encode(_derived(settings, b"links", 32)).decode()
    return _with_http(
        settings, link_keys=SecretStr(f"local:{key}"), public_url=f"http://{http.host}:{http.port}"
    )


def check_free(*ports: int) -> None:
    """EmbeddedError when somebody listens already: their answers would be taken for ours."""
    if busy := [port for port in ports if not bindable(port)]:
        raise EmbeddedError(
            f"Port {', '.join(map(str, busy))} of this machine is in use, perhaps by another `carillon up`. "
            "Stop it, or set CARILLON_HTTP__PORT and CARILLON_HTTP__OPS_PORT (the worker takes the next one)."
        )


async def prepare(settings: Settings, say: Say) -> None:
    """Topics and tables as this version wants them."""
    created, migrated = await create_topics(settings), await bring_tables_up(settings)
    say(f"Topics    {len(created)} created; migrations {len(migrated)} applied")


async def _with_fake(settings: Settings, children: Children) -> tuple[Settings, dict[str, Any]]:
    if settings.smtp.host is not None and settings.providers.fake_url is not None:
        return settings, {}
    ready = await children.start_fake()
    smtp = settings.smtp
    if smtp.host is None:
        smtp = smtp.model_copy(update={"host": ready["smtp_host"], "port": ready["smtp_port"]})
    url = settings.providers.fake_url or ready["url"]
    providers = settings.providers.model_copy(update={"fake_url": url})
    resolver = settings.resolver
    if resolver.url is None:
        resolver = resolver.model_copy(update={"url": f"{ready['url']}{RESOLVE_PATH}"})
    changed = {"smtp": smtp, "providers": providers, "resolver": resolver}
    return settings.model_copy(update=changed), ready


def _with_http(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update={"http": settings.http.model_copy(update=changes)})


def _derived_secret(settings: Settings) -> str:
    return _derived(settings, b"gateway", 16).hex()


def _derived(settings: Settings, purpose: bytes, size: int) -> bytes:
    return blake2b(kept_key(settings.data_dir).encode(), digest_size=size, person=purpose).digest()
