"""Each registered kind of provider beside the fake vendor it calls."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connectors.clock import now_ms
from connectors.fake.scripts import Script
from connectors.fake.server import LOOPBACK, FakeSettings, RunningFake
from connectors.providers.registry import KINDS
from schemas.records import Content
from schemas.words import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.fake.ledger import Line
    from connectors.providers.port import Answer, Carrier


CONTENT = Content(
    body="<p>Здравствуйте!</p>",
    body_text="Здравствуйте!",
    subject="Заказ подтверждён",
    title="Заказ",
    unsubscribe_url="https://carillon.test/u/t0k3n",
)


API_KEY = "ck_of_the_fake"


LOGIN = ("carillon", "a password")


SETTINGS = FakeSettings(api_key=API_KEY, smtp_credentials=LOGIN)


@dataclass(frozen=True)
class Case:
    """How one kind is set up: its channel, its addresses, whether its vendor takes idempotency keys.

    `says_when`: with a limit it says when to come back. `refusal`: of a recipient. The fake speaks a vendor's
    wire under `path`; `secret` names the field of the key, `extra` holds the others.
    """

    kind: str
    channel: str
    ordinary: str
    bounce: str
    delivered: str
    honours_keys: bool
    says_when: bool = False
    refusal: Reason = Reason.PROVIDER_REFUSED
    path: str = ""
    secret: str = "api_key"
    extra: dict[str, Any] = field(default_factory=dict)


MAIL = ("email", "anna@example.com", "bounce+7@carillon.test", "delivered@carillon.test", False)
FROM = {"from_address": "no-reply@carillon.test", "from_name": "Карильон"}
AWS = {**FROM, "access_key_id": "AKIDOFTHEFAKE"}


CASES = [
    Case("smtp", *MAIL),
    Case("mailgun", *MAIL, path="/mailgun", extra={**FROM, "domain": "carillon.test"}),
    Case("postbox", *MAIL, path="/postbox", secret="secret_access_key", extra=AWS),
    Case("sendgrid", *MAIL, says_when=True, refusal=Reason.INVALID_CONTACT, path="/sendgrid", extra=FROM),
    Case("ses", *MAIL, path="/ses", secret="secret_access_key", extra={**AWS, "region": "eu-west-1"}),
    Case("fake_sms", "sms", "+79161234567", "+79000000107", "+79000000007", True, says_when=True),
    Case(
        "fake_push",
        "push",
        "f3a9c1-token",
        "bounce-f3a9c1",
        "delivered-f3a9c1",
        True,
        says_when=True,
        refusal=Reason.UNREGISTERED_DEVICE,
    ),
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


def config_for(case: Case, fake: RunningFake) -> dict[str, Any]:
    if case.kind == "smtp":
        return {
            "host": fake.host,
            "port": fake.smtp_port,
            **FROM,
            "username": LOGIN[0],
            "password": LOGIN[1],
        }
    return {"url": fake.url + case.path, case.secret: API_KEY, **case.extra}


def wrong_credentials(case: Case) -> dict[str, Any]:
    return {"password": "another"} if case.kind == "smtp" else {case.secret: "another"}


def dead_address(case: Case, port: int) -> dict[str, Any]:
    return {"port": port} if case.kind == "smtp" else {"url": f"http://{LOOPBACK}:{port}"}
