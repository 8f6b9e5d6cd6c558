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
from tests.contract.push_rigs import PUBLIC_KEYS, PUSH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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


SETTINGS = FakeSettings(api_key=API_KEY, smtp_credentials=LOGIN, keys=PUBLIC_KEYS)


@dataclass(frozen=True)
class Case:
    """How one kind is set up: its channel, its addresses, what its vendor can do.

    `limit_ms`: what it says of a limit after a script of 7 s; None: nothing. `limit_of`: whose
    that limit is. `can_ask`: by key. `reports`:
    delivery in the answer. `takes_our_id`: it calls a message by an id that we give it. `refusal`: of a
    recipient. `wrong_key`: what one is called; a browser subscribes with one. The fake speaks its wire under
    `path`; `secret` names the field of the key, `extra` holds the others. Kinds of push that have keys of
    their own are set up in `push_rigs`.
    """

    kind: str
    channel: str
    ordinary: str
    bounce: str
    delivered: str
    honours_keys: bool = False
    limit_ms: int | None = None
    limit_of: Reason = Reason.PROVIDER_LIMITED
    can_ask: bool = False
    reports: bool = False
    takes_our_id: bool = False
    refusal: Reason = Reason.PROVIDER_REFUSED
    wrong_key: Reason = Reason.PROVIDER_MISCONFIGURED
    path: str = ""
    secret: str = "api_key"
    extra: dict[str, Any] = field(default_factory=dict)


MAIL = ("email", "anna@example.com", "bounce+7@carillon.test", "delivered@carillon.test")
TEXT = ("sms", "+79161234567", "+79000000107", "+79000000007")
DEAD: dict[str, Any] = {"limit_ms": 7_000, "refusal": Reason.UNREGISTERED_DEVICE}
OURS: dict[str, Any] = {"limit_ms": 7_000, "honours_keys": True, "can_ask": True, "reports": True}
FROM = {"from_address": "no-reply@carillon.test", "from_name": "Карильон"}
AWS = {**FROM, "access_key_id": "AKIDOFTHEFAKE"}
SHOP = {"login": "shop", "sender": "Carillon"}
TWILIO = {"account_sid": "AC0123456789", "sender": "+15005550006"}


CASES = [
    Case("smtp", *MAIL),
    Case("mailgun", *MAIL, path="/mailgun", extra={**FROM, "domain": "carillon.test"}),
    Case("postbox", *MAIL, path="/postbox", secret="secret_access_key", extra=AWS),
    Case("sendgrid", *MAIL, limit_ms=7_000, refusal=Reason.INVALID_CONTACT, path="/sendgrid", extra=FROM),
    Case("ses", *MAIL, path="/ses", secret="secret_access_key", extra={**AWS, "region": "eu-west-1"}),
    Case("fake_sms", *TEXT, **OURS),
    Case("megafon", *TEXT, limit_ms=7_000, path="/megafon", secret="password", extra=SHOP),
    Case(
        "mts",
        *TEXT,
        limit_ms=7_000,
        can_ask=True,
        path="/mts",
        secret="password",
        extra={**SHOP, "settle_ms": 1},
    ),
    Case(
        "sms_ru",
        *TEXT,
        limit_ms=60_000,
        limit_of=Reason.RECIPIENT_LIMITED,
        path="/sms_ru",
        secret="api_id",
        extra={"sender": "Carillon"},
    ),
    Case("smsc", *TEXT, honours_keys=True, limit_ms=60_000, path="/smsc", secret="password", extra=SHOP),
    Case("twilio", *TEXT, limit_ms=7_000, path="/twilio", secret="secret", extra=TWILIO),
    Case("fake_push", "push", "f3a9c1-token", "bounce-f3a9c1", "delivered-f3a9c1", **{**OURS, **DEAD}),
    Case(
        "apns",
        "push",
        "00fc13adff785122",
        "bounce-00fc13ad",
        "delivered-00fc13ad",
        takes_our_id=True,
        limit_of=Reason.RECIPIENT_LIMITED,
        **DEAD,
    ),
    Case(
        *("fcm", "push", "f3a9c1:APA91b-token", "bounce-f3a9c1", "delivered-f3a9c1"),
        limit_of=Reason.RECIPIENT_LIMITED,
        **DEAD,
    ),
    Case(
        *("web_push", "push", "browser-1", "bounce-browser-1", "delivered-browser-1"),
        wrong_key=Reason.RECIPIENT_NOT_SERVED,
        **DEAD,
    ),
]


# How a server ends kept connections, where the protocol then says that nothing was taken. HTTP/1 has no such
# word: a request that crosses the end of its connection stays hidden.
FAREWELLS: dict[str, Callable[[RunningFake], None]] = {
    "smtp": RunningFake.cut_mails,
    "apns": lambda fake: fake.apns.say_goodbye(),
}


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
            **FROM,
            "username": LOGIN[0],
            "password": LOGIN[1],
        }
    return {"url": fake.url + case.path, case.secret: API_KEY, **case.extra}


def wrong_credentials(case: Case, fake: RunningFake) -> dict[str, Any]:
    if case.kind in PUSH:
        return PUSH[case.kind].wrong_credentials(fake)
    return {"password": "another"} if case.kind == "smtp" else {case.secret: "another"}


def dead_address(case: Case, port: int) -> dict[str, Any]:
    if case.kind in PUSH:
        return PUSH[case.kind].dead_address(port)
    return {"port": port} if case.kind == "smtp" else {"url": f"http://{LOOPBACK}:{port}"}
