"""Account Service: `GET {url}/api/v1/users/{user_id}/contacts` (NS-EVT-041), never for longer than allowed.

A service that fails five times in a row is left alone for a pause that grows to half a minute; then one
question tries whether it is back. Beyond its connections, and during a pause, a question is answered `away`
at once: no request waits behind the ones of others.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from connectors.providers.http_call import HttpCalls
from connectors.providers.port import Answer
from schemas.account_words import Told
from schemas.records import ContactsAnswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.account_metrics import AccountMetrics
    from connectors.providers.http_call import Reply
    from schemas.records import ContactsAsked

log = structlog.get_logger("accounts")
MOST_FAILURES = 5
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 1_000, 30_000
REMEMBERED_MS = 1_000
"""Several requests of one user come together; the service is asked for the first of them."""
REMEMBERED = 10_000
FOUND, NOT_FOUND = 200, 404
LONGEST = {"email": 320, "phone": 64, "language": 10, "timezone": 64}
"""As in `user.events`."""


class Sealer(Protocol):
    """Encryption of addresses (`connectors.cipher.Cipher`)."""

    def seal(self, clear: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """Where the service is, and how much of it may be asked."""

    url: str
    token: str | None = None
    timeout_ms: int = 300
    connections: int = 100


class _Contacts(msgspec.Struct, frozen=True):
    """What the service says; it may say more."""

    email: str | None = None
    phone: str | None = None
    language: str | None = None
    timezone: str | None = None


class Breaker:
    """Whether to ask at all. Times in ms."""

    def __init__(self) -> None:
        self.failures = 0
        self._pauses = 0
        self._resumes_at = 0

    @property
    def is_open(self) -> bool:
        """From the first pause until an answer."""
        return self._pauses > 0

    def lets(self, now: int) -> bool:
        """Whether this question may be put; after a pause one tries, and the next pause begins with it."""
        if not self.is_open:
            return True
        if now < self._resumes_at:
            return False
        self._pause(now)
        return True

    def answered(self) -> None:
        """It is well."""
        self.failures = self._pauses = self._resumes_at = 0

    def failed(self, now: int) -> None:
        """No usable answer. What ends within a pause does not lengthen it."""
        self.failures += 1
        if self.failures >= MOST_FAILURES and now >= self._resumes_at:
            self._pause(now)

    def _pause(self, now: int) -> None:
        self._resumes_at = now + min(FIRST_PAUSE_MS << min(self._pauses, 16), LONGEST_PAUSE_MS)
        self._pauses += 1


class AccountService:
    """Asks. Everything that can go wrong is an answer."""

    def __init__(
        self, config: AccountConfig, cipher: Sealer, metrics: AccountMetrics, now_ms: Callable[[], int]
    ) -> None:
        headers = {} if config.token is None else {"Authorization": f"Bearer {config.token}"}
        self._calls = HttpCalls(headers, timeout_ms=config.timeout_ms, connections=config.connections)
        self._config = config
        self._url = config.url.rstrip("/")
        self._cipher = cipher
        self._metrics = metrics
        self._now_ms = now_ms
        self._breaker = Breaker()
        self._running = 0
        self._remembered: OrderedDict[str, tuple[int, ContactsAnswered]] = OrderedDict()

    async def perform(self, call: ContactsAsked) -> ContactsAnswered:
        """Ask, unless it was asked a moment ago, has a pause, or is busy with us."""
        user_id, now = call.request.user_id, self._now_ms()
        known = self._remembered.get(user_id)
        if known is not None and now < known[0] + REMEMBERED_MS:
            self._metrics.ended("remembered")
            return msgspec.structs.replace(known[1], call=call)
        away = ContactsAnswered(call=call, verdict=Told.AWAY)
        if self._running >= self._config.connections:
            self._metrics.ended("busy")
            return away
        if not self._breaker.lets(now):
            self._metrics.ended("paused")
            return away
        said = await self._asked(user_id)
        self._settle(said)
        if said is None:
            return away
        answered = self._sealed(call, said)
        self._remember(user_id, answered)
        return answered

    async def close(self) -> None:
        """Close every connection. No question may be open."""
        await self._calls.close()

    async def _asked(self, user_id: str) -> tuple[Told, _Contacts] | None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._running += 1
        try:
            async with asyncio.timeout(self._config.timeout_ms / 1000):
                reply = await self._calls.get(f"{self._url}/api/v1/users/{user_id}/contacts")
        except TimeoutError:
            return None
        except Exception:
            log.exception("account_call_failed_unexpectedly")  # the engine would have it asked again at once
            return None
        finally:
            self._running -= 1
            self._metrics.took(loop.time() - began)
        return None if isinstance(reply, Answer) else _read(reply)

    def _settle(self, said: tuple[Told, _Contacts] | None) -> None:
        if said is None:
            self._breaker.failed(self._now_ms())
        else:
            self._breaker.answered()
        self._metrics.ended("failed" if said is None else said[0])
        self._metrics.breaker(is_open=self._breaker.is_open)

    def _sealed(self, call: ContactsAsked, said: tuple[Told, _Contacts]) -> ContactsAnswered:
        told, contacts = said
        texts = {name: _usable(getattr(contacts, name), most) for name, most in LONGEST.items()}
        return ContactsAnswered(
            call=call,
            verdict=told,
            email=self._seal(texts["email"]),
            phone=self._seal(texts["phone"]),
            language=texts["language"],
            timezone=texts["timezone"],
        )

    def _seal(self, text: str | None) -> bytes | None:
        return None if text is None else self._cipher.seal(text.encode())

    def _remember(self, user_id: str, answered: ContactsAnswered) -> None:
        self._remembered[user_id] = (self._now_ms(), answered)
        self._remembered.move_to_end(user_id)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


def _usable(text: str | None, most: int) -> str | None:
    """None for what is empty, or no such thing for sure."""
    return text if text and len(text) <= most and text.isprintable() else None


def _read(reply: Reply) -> tuple[Told, _Contacts] | None:
    """What an answer says; None when it cannot be used."""
    if reply.status == NOT_FOUND:
        return Told.UNKNOWN, _Contacts()
    if reply.status != FOUND or not reply.body:
        return None
    try:
        return Told.FOUND, msgspec.convert(reply.body, _Contacts)
    except msgspec.ValidationError:
        return None
