"""Each registered kind of provider beside the fake vendor it calls."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.clock import now_ms
from connectors.fake.scripts import Script
from connectors.fake.server import LOOPBACK, FakeSettings, RunningFake
from connectors.providers.registry import KINDS
from schemas.records import Content

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.fake.ledger import Line
    from connectors.providers.port import Answer, Carrier


CONTENT = Content(
    body="<p>Здравствуйте!</p>", body_text="Здравствуйте!", subject="Заказ подтверждён", title="Заказ"
)


API_KEY = "ck_of_the_fake"


LOGIN = ("carillon", "a password")


SETTINGS = FakeSettings(api_key=API_KEY, smtp_credentials=LOGIN)


@dataclass(frozen=True)
class Case:
    """How one kind is set up: its channel, its addresses, whether its vendor takes idempotency keys.

    What else differs is as with our own fake for vendors that take keys, and as with SMTP for the others,
    unless said: `can_ask`, `reports` (delivery in the answer), `limit_ms` (a limit, after a script of 7 s).
    """

    kind: str
    channel: str
    ordinary: str
    bounce: str
    delivered: str
    honours_keys: bool
    can_ask: bool | None = None
    reports: bool | None = None
    limit_ms: int | None = None

    @property
    def is_asked(self) -> bool:
        return self.honours_keys if self.can_ask is None else self.can_ask

    @property
    def says_delivered(self) -> bool:
        return self.honours_keys if self.reports is None else self.reports

    @property
    def waits_ms(self) -> int | None:
        return 7_000 if self.honours_keys and self.limit_ms is None else self.limit_ms


TEXTS = ("sms", "+79161234567", "+79000000107", "+79000000007")
"""Channel and addresses of those who send texts."""

CASES = [
    Case("smtp", "email", "anna@example.com", "bounce+7@carillon.test", "delivered@carillon.test", False),
    Case("fake_sms", *TEXTS, True),
    Case("fake_push", "push", "f3a9c1-token", "bounce-f3a9c1", "delivered-f3a9c1", True),
    Case("megafon", *TEXTS, False, limit_ms=7_000),
    Case("mts", *TEXTS, False, can_ask=True, limit_ms=7_000),
    Case("sms_ru", *TEXTS, False, limit_ms=60_000),
    Case("smsc", *TEXTS, True, can_ask=False, reports=False, limit_ms=60_000),
    Case("twilio", *TEXTS, False, limit_ms=7_000),
]


@dataclass(frozen=True)
class Rig:
    """One carrier and the server it talks to."""

    case: Case
    fake: RunningFake
    carrier: Carrier
    config: dict[str, Any]

    async def send(self, address: str | None = None, key: str = "m-1:0") -> Answer:
        return await self.carrier.send(address or self.case.ordinary, CONTENT, key)

    def script(self, fault: Any, **fields: Any) -> None:
        self.fake.desk.scripts.add(Script(fault=fault, channel=self.case.channel, **fields))

    def lines(self, key: str = "m-1:0") -> Line | None:
        return self.fake.desk.ledger.taken(key)

    @asynccontextmanager
    async def other(self, **changes: Any) -> AsyncIterator[Carrier]:
        """Yield a second carrier with a changed config."""
        carrier = KINDS[self.case.kind]("main", {**self.config, **changes}, now_ms)
        try:
            yield carrier
        finally:
            await carrier.close()


CONFIGS: dict[str, dict[str, Any]] = {
    "megafon": {"login": "shop", "password": API_KEY, "sender": "Carillon"},
    "mts": {"login": "gw_1", "password": API_KEY, "sender": "Carillon", "settle_ms": 1},
    "sms_ru": {"api_id": API_KEY, "sender": "Carillon"},
    "smsc": {"login": "carillon", "password": API_KEY, "sender": "Carillon"},
    "twilio": {"account_sid": "AC0123456789", "secret": API_KEY, "sender": "+15005550006"},
}
"""What each vendor's config says beside its `url`."""

SECRETS = {
    "megafon": "password",
    "mts": "password",
    "sms_ru": "api_id",
    "smsc": "password",
    "smtp": "password",
    "twilio": "secret",
}
"""The field of a kind's secret; `api_key` for the others."""


def config_for(case: Case, fake: RunningFake) -> dict[str, Any]:
    if case.kind == "smtp":
        return {
            "host": fake.host,
            "port": fake.smtp_port,
            "from_address": "no-reply@carillon.test",
            "from_name": "Карильон",
            "username": LOGIN[0],
            "password": LOGIN[1],
        }
    if case.kind in CONFIGS:
        return {"url": f"{fake.url}/{case.kind}", **CONFIGS[case.kind]}
    return {"url": fake.url, "api_key": API_KEY}


def wrong_credentials(case: Case) -> dict[str, Any]:
    return {SECRETS.get(case.kind, "api_key"): "another"}


def dead_address(case: Case, port: int) -> dict[str, Any]:
    return {"port": port} if case.kind == "smtp" else {"url": f"http://{LOOPBACK}:{port}"}
