"""Makes the outside of a worker: reference data, schemas, encryption, rendering, providers, rows.

One object per process, started before the stages and stopped after them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from agents.ask_account import AccountTerms
from agents.ports import NoHolds, Rules
from connectors.account_metrics import AccountMetrics
from connectors.accounts import AccountConfig, AccountService
from connectors.addresses import AddressBook
from connectors.audience_metrics import AudienceMetrics
from connectors.cipher import Cipher
from connectors.clock import now_ms
from connectors.consumers import Consumers
from connectors.embedded.key import kept_key
from connectors.kafka_clients import Brokers, writing
from connectors.links import MessageLinks, signer_of
from connectors.metrics import InputMetrics, ReceiptMetrics, SinkMetrics
from connectors.postgres.rows import RowWriter
from connectors.reference.book import ReferenceBook
from connectors.request_metrics import RequestMetrics
from connectors.seen_metrics import SeenMetrics
from connectors.templates.renderer import TemplateRenderer
from connectors.withdrawn import WithdrawnCampaigns
from schemas import topics
from schemas.avro_files import expanded, fingerprint, record_names, schema_text
from schemas.codec import SchemaBook
from streams.engine.api import EngineConfig, NotYet
from streams.engine.reference import GlobalTable
from streams.leases import Leases
from streams.providing import Providing
from streams.quarantine import FlowEnds
from streams.receipt_times import ReceiptEnds
from streams.routes import nobody_asks, nothing
from streams.servers import database_of
from streams.spending import Spending
from streams.sql_sink import SqlSink
from streams.topology import Outside
from streams.wiring import Reading
from tables.caps import Limits
from tables.devices import DAY_MS, DeviceTerms

if TYPE_CHECKING:
    from schemas.records import NotificationType, SeenTag, Template
    from streams.settings import Settings

log = structlog.get_logger("outside")


def engine_config(settings: Settings) -> EngineConfig:
    """The engine's settings out of ours."""
    engine = settings.engine
    assert settings.kafka.bootstrap is not None
    return EngineConfig(
        bootstrap=settings.kafka.bootstrap,
        security=settings.kafka.security(),
        app=settings.kafka.app,
        worker=engine.worker_name,
        data_dir=str(settings.data_dir / "tables" / engine.worker_name),
        static_id=engine.static_id,
        session_timeout_ms=engine.session_timeout_ms,
        heartbeat_interval_ms=engine.heartbeat_interval_ms,
        transaction_timeout_ms=engine.transaction_timeout_ms,
        store_cache_bytes=engine.store_cache_mib << 20,
        store_write_bytes=engine.store_write_mib << 20,
    )


def cipher_of(settings: Settings) -> Cipher:
    """The configured keys, or the one kept in the data folder beside embedded servers."""
    given, hash_key = settings.crypto.keys, settings.crypto.hash_key
    return Cipher.of_text(
        given.get_secret_value() if given else kept_key(settings.data_dir),
        hash_key.get_secret_value() if hash_key else None,
        settings.crypto.withdrawn,
    )


def rules_of(settings: Settings) -> Rules:
    """What holds for every recipient."""
    given = settings.recipients
    marketing = (given.marketing_per_day, given.marketing_per_week)
    limits = Limits(given.per_minute, given.per_day, *marketing, given.caps_campaigns)
    return Rules(given.timezone, limits if given.are_limited else Limits())


def links_of(settings: Settings) -> MessageLinks:
    """The links of messages; none without a public address and keys."""
    return MessageLinks(settings.http.public_url, signer_of(settings.http.link_keys))


class WaitingReference:
    """The reference book, and the patience of design rule 16: an unknown name is looked up again."""

    def __init__(self, book: ReferenceBook, withdrawn: WithdrawnCampaigns, table: GlobalTable) -> None:
        self._book = book
        self._table = table
        self.rule = book.rule
        self.type = book.type
        self.template = book.template
        self.secret_variables = book.secret_variables
        self.providers = book.providers
        self.reporting = book.reporting
        self.receipts_within_ms = book.receipts_within_ms
        self.tag = book.tag
        self.is_withdrawn = withdrawn.has

    async def find_type(self, code: str) -> NotificationType | None:
        """The type, waiting ≤ 2 s for one that was just written."""
        if (found := self._book.type(code)) is None:
            await self._catch_up()
            found = self._book.type(code)
        return found

    async def find_template(self, name: str, channel: str, language: str) -> Template | None:
        """The template of exactly this language, waiting as `find_type`."""
        found = self._book.template(name, channel, language)
        if found is None:
            await self._catch_up()
            found = self._book.template(name, channel, language)
        return found

    async def find_tag(self, tag: str) -> SeenTag | None:
        """The tag with all that was just written; asked before a destination is taken for gone."""
        await self._catch_up()
        return self._book.tag(tag)

    async def _catch_up(self) -> None:
        if not await self._table.catch_up():
            raise NotYet("reference")


class World:
    """The outside of one worker process."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        config = engine_config(settings)
        self._brokers = config.brokers
        cipher, devices = cipher_of(settings), settings.devices
        book = ReferenceBook(cipher)
        self.tags = book.tags
        self._schema_book = SchemaBook()
        self._reference = GlobalTable(config, topics.REFERENCE, book.apply)
        self._schemas = GlobalTable(config, topics.SCHEMAS, self._learn)
        withdrawn = WithdrawnCampaigns()
        self._withdrawn = GlobalTable(config, topics.CAMPAIGNS_WITHDRAWN, withdrawn.apply)
        self.database = database_of(settings)
        self._receipts = ReceiptEnds(config, self._schema_book, registry)
        self._providing = Providing(settings, cipher, book, self._receipts.times.share, registry)
        self._leases = Leases(config, book.providers, self._schema_book, registry)
        self._spending = Spending(config, book.budget, self._schema_book, registry)
        self._flows = FlowEnds(config, lambda code: book.type(code) is not None, self._schema_book, registry)
        is_watched = settings.quarantine.mode != "off"
        figures = SeenMetrics(registry, now_ms)
        self._accounts = accounts_of(settings, cipher, AccountMetrics(registry))
        self._consumers = Consumers(book.tag, figures, settings.consumers.by_name())
        self.outside = Outside(
            reading=Reading(self._schema_book, self._schemas.catch_up),
            book=self._schema_book,
            ignored_fields=InputMetrics(registry).ignored_fields,
            reference=WaitingReference(book, withdrawn, self._reference),
            cipher=cipher,
            renderer=TemplateRenderer(),
            addresses=AddressBook(),
            links=links_of(settings),
            perform=withdrawn.stopping(
                self._spending.purse.paying(self._leases.gate.heeding(self._providing.perform))
            ),
            choice=msgspec.structs.replace(self._providing.choice, purse=self._spending.purse),
            gate=withdrawn.sparing(self._leases.gate.passing),
            sink=SqlSink(RowWriter(self.database, settings.kafka.app, cipher), SinkMetrics(registry)),
            consumers=self._consumers,
            figures=figures,
            audience_figures=AudienceMetrics(registry),
            request_figures=RequestMetrics(registry),
            rules=rules_of(settings),
            device_terms=DeviceTerms(devices.stale_days * DAY_MS, devices.forget_days * DAY_MS),
            account_terms=AccountTerms(settings.accounts.cache_s * 1000) if self._accounts else None,
            ask_account=self._accounts.perform if self._accounts else nobody_asks,
            receipt_figures=ReceiptMetrics(registry),
            count_receipt=self._receipts.times.count,
            count_flow=self._flows.book.count if is_watched else nothing,
            flows=self._flows.book if is_watched else NoHolds(),
        )

    def _learn(self, _key: bytes, value: bytes | None) -> None:
        if value is not None:
            try:
                self._schema_book.learn(value)
            except ValueError as error:
                log.warning("schema_ignored", error=str(error))

    async def start(self) -> None:
        """Publish our schemas, then read what every worker reads whole."""
        await publish_schemas(self._brokers)
        await self._schemas.start()
        await self._reference.start()
        await self._withdrawn.start()
        await self._spending.start()
        await self._leases.start()
        await self._flows.start()
        await self._receipts.start()

    async def stop(self) -> None:
        """Close what was opened."""
        await self._receipts.stop()
        await self._flows.stop()
        await self._leases.stop()
        await self._spending.stop()
        await self._providing.close()
        await self._consumers.close()
        if self._accounts:
            await self._accounts.close()
        await self._withdrawn.stop()
        await self._reference.stop()
        await self._schemas.stop()
        await self.database.close()


def accounts_of(settings: Settings, cipher: Cipher, metrics: AccountMetrics) -> AccountService | None:
    """Account Service as the settings name it, if they do."""
    given = settings.accounts
    if given.url is None:
        return None
    token = given.token.get_secret_value() if given.token else None
    config = AccountConfig(given.url, token, given.timeout_ms, given.connections)
    return AccountService(config, cipher, metrics, now_ms)


async def publish_schemas(brokers: Brokers) -> None:
    """Write the schemas of every record we write to `carillon.schemas`, before the first such record."""
    async with writing(brokers) as write:
        for name in record_names():
            await write(topics.SCHEMAS, schema_text(name), key=fingerprint(expanded(name)), partition=0)
