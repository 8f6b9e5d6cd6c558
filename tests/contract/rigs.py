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
from tests.contract.push_rigs import PUBLIC_KEYS, PUSH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.fake.ledger import Line
    from connectors.providers.port import Answer, Carrier


CONTENT = Content(
    body="<p>Здравствуйте!</p>", body_text="Здравствуйте!", subject="Заказ подтверждён", title="Заказ"
)


API_KEY = "ck_of_the_fake"


LOGIN = ("carillon", "a password")


SETTINGS = FakeSettings(api_key=API_KEY, smtp_credentials=LOGIN, keys=PUBLIC_KEYS)


@dataclass(frozen=True)
class Case:
    """How one kind is set up: its channel, its addresses, whether its vendor takes idempotency keys."""

    kind: str
    channel: str
    ordinary: str
    bounce: str
    delivered: str
    honours_keys: bool
    says_when: bool = False
    """Whether its vendor says for how long a limit lasts."""
    takes_our_id: bool = False
    """Whether its vendor calls a message by an id that we give it."""


CASES = [
    Case("smtp", "email", "anna@example.com", "bounce+7@carillon.test", "delivered@carillon.test", False),
    Case("fake_sms", "sms", "+79161234567", "+79000000107", "+79000000007", True, True),
    Case("fake_push", "push", "f3a9c1-token", "bounce-f3a9c1", "delivered-f3a9c1", True, True),
    Case("apns", "push", "00fc13adff785122", "bounce-00fc13ad", "delivered-00fc13ad", False, True, True),
    Case("fcm", "push", "f3a9c1:APA91b-token", "bounce-f3a9c1", "delivered-f3a9c1", False, True),
    Case("web_push", "push", "browser-1", "bounce-browser-1", "delivered-browser-1", False, True),
]


@dataclass(frozen=True)
class Rig:
    """One carrier and the server it talks to."""

    case: Case
    fake: RunningFake
    carrier: Carrier
    config: dict[str, Any]

    async def send(self, address: str | None = None, key: str = "m-1:0") -> Answer:
        return await self.carrier.send(self.address(address), CONTENT, key)

    def address(self, recipient: str | None = None, url: str | None = None) -> str:
        """How a message names its recipient; most vendors: by itself. `url`: of another fake."""
        given = recipient or self.case.ordinary
        return PUSH[self.case.kind].address(url or self.fake.url, given) if self.case.kind in PUSH else given

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
    if case.kind in PUSH:
        return PUSH[case.kind].config(fake)
    if case.kind == "smtp":
        return {
            "host": fake.host,
            "port": fake.smtp_port,
            "from_address": "no-reply@carillon.test",
            "from_name": "Карильон",
            "username": LOGIN[0],
            "password": LOGIN[1],
        }
    return {"url": fake.url, "api_key": API_KEY}


def wrong_credentials(case: Case, fake: RunningFake) -> dict[str, Any]:
    if case.kind in PUSH:
        return PUSH[case.kind].wrong_credentials(fake)
    return {"password": "another"} if case.kind == "smtp" else {"api_key": "another"}


def dead_address(case: Case, port: int) -> dict[str, Any]:
    if case.kind in PUSH:
        return PUSH[case.kind].dead_address(port)
    return {"port": port} if case.kind == "smtp" else {"url": f"http://{LOOPBACK}:{port}"}
