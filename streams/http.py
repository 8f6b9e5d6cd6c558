"""The HTTP process: seen posts and requests, durable before they are answered, audiences, campaigns."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.metadata import version

import structlog
import uvloop
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from connectors.audience_metrics import AudienceGauges
from connectors.clock import now_ms
from connectors.fetching import HttpFetch
from connectors.http.limits import KeyLimits, Limit, Limits
from connectors.http.ports import BrokerUnavailableError, EdgePorts, OpsPorts
from connectors.http.routes import edge_app, ops_app
from connectors.http.server import listening
from connectors.kafka_clients import Brokers
from connectors.links import signer_of
from connectors.metrics import HttpMetrics
from connectors.postgres.audit import AuditLog
from connectors.postgres.choices import StoredChoices
from connectors.postgres.database import Waits
from connectors.postgres.devices import StoredDevices
from connectors.postgres.statistics import StoredStatistics
from connectors.postgres.why import Archive
from connectors.resolver import HttpResolver, ResolverAccess
from schemas import topics
from schemas.codec import encode
from schemas.records import SeenPosted
from streams.access import Access
from streams.audience_edge import AudienceEdge
from streams.campaigns import campaigns_of, members_copy
from streams.engine.garbage import collect_seldom
from streams.mailboxes import mailboxes_of
from streams.outside import cipher_of, engine_config, publish_schemas
from streams.persons import PersonDesk
from streams.quarantine_desk import anomalies
from streams.servers import database_of
from streams.settings import Settings
from streams.templates import desk_of, relay_on
from streams.trials import Trials
from streams.vitals import vitals_of

log = structlog.get_logger("http")
LINGER_MS = 2
REQUEST_TIMEOUT_MS = 5_000
AWAY_S = 1.0
NOT_YET = "not connected to Kafka yet"
WAITS = Waits(connect_s=2.0, acquire_s=2.0, command_s=5.0)
"""Somebody waits for the answer."""


class EdgeTopics:
    """Writes what the edge takes, each record to its topic, and says when every in-sync replica has it."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._producer: AIOKafkaProducer | None = None

    async def connect(self) -> None:
        """Publish the schema and connect, again and again until Kafka is there."""
        while self._producer is None:
            producer = durable_producer(self._brokers)
            try:
                await publish_schemas(self._brokers)
                await producer.start()
                self._producer = producer
            except (KafkaError, OSError) as error:
                log.warning("kafka_waits", error=str(error))
            finally:
                if self._producer is None:
                    await producer.stop()
            if self._producer is None:
                await asyncio.sleep(AWAY_S)

    async def stop(self) -> None:
        """Send what is left and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def seen(self, record: SeenPosted, headers: Mapping[str, bytes]) -> None:
        """Write one post, keyed by the user so that repeats meet in one task (SEEN-OP-14)."""
        key = None if record.user_key is None else record.user_key.encode()
        await self.produce(topics.SEEN, key, encode(record), headers)

    async def produce(
        self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, bytes]
    ) -> None:
        """Write one record and wait for all in-sync replicas."""
        if self._producer is None:
            raise BrokerUnavailableError(NOT_YET)
        try:
            await (await self._producer.send(topic, value, key=key, headers=list(headers.items())))
        except KafkaError as error:
            raise BrokerUnavailableError(repr(error)) from error

    async def reachable(self) -> str | None:
        """None when the broker answers."""
        if self._producer is None:
            return NOT_YET
        await self._producer.client.fetch_all_metadata()
        return None


def durable_producer(brokers: Brokers) -> AIOKafkaProducer:
    """Every post is acknowledged by all in-sync replicas (SEEN-OP-06)."""
    return AIOKafkaProducer(
        **brokers,
        client_id="carillon-http",
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        max_batch_size=1 << 18,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


async def until_connected(connect: Callable[[], Awaitable[None]]) -> None:
    """Connect a part, again after what nobody foresaw: else it stays away for good, and nobody is told."""
    while True:
        try:
            return await connect()
        except Exception:
            log.exception("connecting_fails")
            await asyncio.sleep(AWAY_S)


def resolver_of(settings: Settings) -> HttpResolver | None:
    """Who is asked whom a query selects; None: nobody."""
    told = settings.resolver
    if told.url is None:
        return None
    return HttpResolver(ResolverAccess(told.url, told.key(), told.timeout_ms, told.attempts), now_ms)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve both ports until `stop` is set, from the first moment on: without Kafka posts get a 503."""
    http = settings.http
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    edge_topics = EdgeTopics(settings.kafka.brokers())
    access = Access(settings, metrics)
    cipher = cipher_of(settings)
    audience = AudienceEdge(engine_config(settings), cipher)
    database = database_of(settings, WAITS)
    feed, boxes = members_copy(engine_config(settings)), mailboxes_of(settings)
    campaigns = campaigns_of(settings, audience, feed, registry)
    resolver, fetch = resolver_of(settings), HttpFetch()
    AudienceGauges(
        registry,
        is_up=lambda: audience.trouble is None,
        labels=lambda: len(audience.book.labels),
        oldest_s=lambda: audience.book.oldest_s(now_ms),
    )
    reads = {"campaigns": campaigns.reachable} if campaigns else {}
    shown = {"mailbox": boxes.mailboxes.reachable} if boxes else {}
    needed = {"kafka": edge_topics.reachable, "keys": access.keys_read}
    ports = EdgePorts(
        publish=edge_topics.seen,
        authenticate=access.authenticate,
        now_ms=now_ms,
        metrics=metrics,
        throttle=Limits(now_ms, per_address=Limit("address", http.limits.per_stranger)),
        audience=audience,
        key_throttle=KeyLimits(now_ms),
        campaigns=campaigns,
        produce=edge_topics.produce,
        explain=Archive(database).by_id,
        has_docs=http.has_docs,
        count_delivery=StoredStatistics(database).delivery,
        keys=access.desk,
        templates=desk_of(settings, database),
        send_trial=Trials(settings),
        choices=StoredChoices(database),
        devices=StoredDevices(database),
        cipher=cipher,
        find_provider=audience.provider,
        fetch=fetch,
        links=signer_of(http.link_keys),
        resolve=resolver,
        note_down=AuditLog(database),
        persons=PersonDesk(settings, database),
        list_anomalies=partial(anomalies, settings.kafka.brokers()),
        vitals=vitals_of(needed, database, [audience.reachable, *reads.values(), *shown.values()]),
        mailbox=boxes.ports(registry) if boxes else None,
    )
    awaited = reads if http.campaigns == "needed" else {}
    awaited |= shown if settings.mailbox.gateway == "needed" else {}
    ops = ops_app(
        OpsPorts(
            live={},
            ready={**needed, **awaited},
            aside={"audience": audience.reachable},
            version={"version": version("carillon")},
            registry=registry,
            authenticate=access.authenticate,
            metrics=metrics,
        )
    )
    collect_seldom()
    try:
        async with (
            listening(edge_app(ports), http.host, http.port) as port,
            listening(ops, http.host, http.ops_port) as ops_port,
        ):
            log.info("http_started", port=port, ops_port=ops_port)
            parts: list[Callable[[], Awaitable[None]]] = [edge_topics.connect, audience.connect]
            parts += [partial(relay_on, settings, database), *([feed.connect] if campaigns else [])]
            parts += [boxes.connect] if boxes else []
            running = [asyncio.create_task(until_connected(each)) for each in parts]
            access.start()
            await stop.wait()
            if boxes:
                boxes.clients.close()
            for each in running:
                each.cancel()
            await asyncio.wait(running)
    finally:
        await access.stop()
        if resolver is not None:
            await resolver.close()
        await fetch.close()
        await feed.stop()
        if boxes:
            await boxes.stop()
        await audience.stop()
        await edge_topics.stop()
        await database.close()


def run_http(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT."""

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(settings, stop)

    uvloop.run(main())
    return 0
