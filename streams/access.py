"""Who may call, wired: API keys of settings and of Kafka, the issuer's tokens, limits; telling of changes."""

from __future__ import annotations

import asyncio
import pwd
import socket
from collections.abc import Sequence
from functools import partial
from os import getuid

import aiohttp
import structlog
from aiokafka.errors import KafkaError

from connectors.access.actor import Actor
from connectors.access.desk import KeyDesk
from connectors.access.key_book import KeyBook
from connectors.clock import now_ms
from connectors.http.authority import Authority
from connectors.http.jwks import TrustedKeys, from_file, from_url
from connectors.http.quotas import Counted, Quotas
from connectors.http.tokens import TokenRules, Tokens
from connectors.kafka_clients import writing
from connectors.metrics import HttpMetrics
from connectors.postgres.access_relay import Sent, relay
from connectors.postgres.database import Database
from connectors.postgres.errors import PostgresError
from connectors.postgres.keys import KeyStore
from connectors.postgres.reference import PublishFailedError
from schemas import topics
from streams.engine.reference import GlobalTable
from streams.outside import engine_config
from streams.servers import database_of
from streams.settings import Settings

log = structlog.get_logger("access")
EVERY_S = 5.0
AWAY_S = 1.0
NOT_READ = "the API keys were not read yet"


async def publish_access(settings: Settings, database: Database) -> int:
    """Publish key changes and audit lines that wait; how many. Several processes may do so at once."""
    brokers = settings.kafka.brokers()

    async def publish(sent: Sequence[Sent]) -> None:
        async with writing(brokers) as write:
            for topic, key, value in sent:
                await write(topic, value, key=key, partition=0)

    return await relay(database, publish)


def desk_of(settings: Settings, database: Database) -> KeyDesk:
    """Where keys are changed."""
    return KeyDesk(KeyStore(database), partial(publish_access, settings, database), now_ms)


def operator() -> Actor:
    """Who runs this command, by the account of the machine; variables of the environment say nothing here."""
    try:
        account = pwd.getpwuid(getuid()).pw_name
    except KeyError:
        account = f"uid-{getuid()}"
    return Actor(f"cli:{account}@{socket.gethostname()}", "operator")


class Access:
    """All that the HTTP process asks about callers."""

    def __init__(self, settings: Settings, metrics: HttpMetrics) -> None:
        http = settings.http
        self._settings = settings
        self._database = database_of(settings)
        self._store = KeyStore(self._database)
        self._book = KeyBook(http.keys(), is_read=False)
        self._table: GlobalTable | None = None
        self._session = aiohttp.ClientSession()
        self._trusted = self._trusted_keys(metrics)
        secret = http.gateway_secret.get_secret_value() if http.gateway_secret else ""
        authority = Authority(self._book, (secret,), self._tokens(), metrics, now_ms)
        self.authenticate = Counted(authority, Quotas(**http.limits.model_dump()), now_ms).authenticate
        self.desk = KeyDesk(self._store, self._publish, now_ms)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to read keys, to fetch the issuer's, and to make known what waits; in the background."""
        runs = [self._read_keys(), self._keep_known()]
        if self._trusted is not None:
            runs.append(self._trusted.keep_fresh())
        self._tasks = [asyncio.create_task(run) for run in runs]

    async def stop(self) -> None:
        """Stop all of it."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._table is not None:
            await self._table.stop()
        await self._session.close()
        await self._database.close()

    async def _publish(self) -> None:
        """Whoever changed a key here may use the next request for trying it: this process knows then."""
        await publish_access(self._settings, self._database)
        if self._table is not None:
            await self._table.catch_up()

    async def keys_read(self) -> str | None:
        """None once the keys in force are known."""
        return None if self._book.is_read else NOT_READ

    def _trusted_keys(self, metrics: HttpMetrics) -> TrustedKeys | None:
        jwt = self._settings.http.jwt
        if jwt.jwks_url is not None:
            return TrustedKeys(from_url(self._session, jwt.jwks_url), metrics.jwks)
        return None if jwt.jwks_file is None else TrustedKeys(from_file(jwt.jwks_file), metrics.jwks)

    def _tokens(self) -> Tokens | None:
        jwt = self._settings.http.jwt
        if self._trusted is None or jwt.issuer is None or jwt.audience is None:
            return None
        rules = TokenRules(jwt.issuer, jwt.audience, jwt.roles_claim, jwt.leeway_s)
        return Tokens(rules, self._trusted, now_ms)

    async def _read_keys(self) -> None:
        """Read the topic, again and again until Kafka is there; then it is read on."""
        while not self._book.is_read:
            table = GlobalTable(engine_config(self._settings), topics.KEYS, self._book.apply)
            try:
                await table.start()
                self._table, self._book.is_read = table, True
            except (KafkaError, OSError) as error:
                log.warning("api_keys_wait", error=repr(error))
            finally:
                if self._table is None:
                    await table.stop()
            if self._table is None:
                await asyncio.sleep(AWAY_S)

    async def _keep_known(self) -> None:
        """What a command committed and could not publish; and which keys were used."""
        while True:
            try:
                await publish_access(self._settings, self._database)
                if used := self._book.used():
                    await self._store.note_used(used)
            except (PostgresError, PublishFailedError, OSError) as error:
                log.warning("key_changes_wait", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(EVERY_S)
