"""Ports in memory: what the engine and the reference topic give an agent, without a broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from agents.ask_account import AccountTerms
from agents.ports import NoHolds, Rules
from schemas.errors import RenderFailedError, UnopenedError
from schemas.money import place_of
from schemas.punctuality import within_ms
from schemas.records import Content
from tables.devices import DeviceTerms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from agents.ports import Addresses, Cipher, Flows
    from schemas.records import NotificationType, Provider, Rule, SeenTag, Template

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class FakeEvent:
    """One input of an agent."""

    value: Any
    key: bytes = b"user:1"
    at: int = 0
    headers: Mapping[str, bytes] = field(default_factory=dict)
    origin: str = ""


class FakeStream:
    """One batch: the given events, at the given wall clock (ms)."""

    def __init__(self, events: Iterable[FakeEvent], now: int = 0) -> None:
        self._events = list(events)
        self.now = now

    async def __aiter__(self) -> AsyncIterator[FakeEvent]:
        for event in self._events:
            yield event


class MemoryTable(Generic[K, V]):
    """Rows in a dict; a row whose `expires_at` lies at or before `now` reads as absent."""

    def __init__(self) -> None:
        self.rows: dict[K, tuple[V, int | None]] = {}
        self.now = 0

    def get(self, key: K) -> V | None:
        value, expires_at = self.rows.get(key, (None, None))
        return None if expires_at is not None and expires_at <= self.now else value

    def put(self, key: K, value: V, *, expires_at: int | None = None) -> None:
        self.rows[key] = (value, expires_at)

    def delete(self, key: K) -> None:
        self.rows.pop(key, None)

    def scan(self, prefix: bytes, after: bytes = b"", limit: int = 1_000) -> list[tuple[bytes, V]]:
        found: list[tuple[bytes, V]] = []
        for key in sorted(key for key in self.rows if isinstance(key, bytes)):
            value = self.get(cast("K", key)) if key.startswith(prefix) and key > after else None
            if value is not None:
                found.append((key, value))
        return found[:limit]


@dataclass(slots=True)
class MemoryReference:
    """Reference data from lists. `rules` by (topic, event type)."""

    types: list[NotificationType] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    active: list[Provider] = field(default_factory=list)
    tags: list[SeenTag] = field(default_factory=list)
    withdrawn: set[str] = field(default_factory=set)

    async def find_type(self, code: str) -> NotificationType | None:
        return self.type(code)

    async def find_tag(self, tag: str) -> SeenTag | None:
        return self.tag(tag)

    async def find_template(self, name: str, channel: str, language: str) -> Template | None:
        return self.template(name, channel, language)

    def template(self, name: str, channel: str, language: str) -> Template | None:
        wanted = (name, channel, language)
        found = (t for t in self.templates if (t.name, t.channel_type, t.language_code) == wanted)
        return next(found, None)

    def rule(self, topic: str, event_type: str) -> Rule | None:
        return next((r for r in self.rules if (r.topic, r.event_type) == (topic, event_type)), None)

    def type(self, code: str) -> NotificationType | None:
        return next((t for t in self.types if t.code == code), None)

    def secret_variables(self, code: str) -> frozenset[str] | None:
        found = self.type(code)
        described = [t.variables for t in self.templates if found and t.name == found.template_name]
        secret = (name for each in described for name, about in each.items() if about.get("secret"))
        return frozenset(secret) if described else None

    def providers(self, channel: str) -> list[Provider]:
        serving = (p for p in self.active if p.channel_type == channel and p.is_active)
        return sorted(serving, key=lambda p: (-p.priority, place_of(p), p.name))

    def reporting(self, channel: str) -> list[str]:
        return sorted(p.name for p in self.active if p.channel_type == channel and "webhook_key" in p.config)

    def receipts_within_ms(self, channel: str, name: str) -> int | None:
        found = (p for p in self.active if (p.channel_type, p.name) == (channel, name))
        return next((within_ms(p) for p in found), None)

    def is_withdrawn(self, campaign_label: str) -> bool:
        return campaign_label in self.withdrawn

    def tag(self, tag: str) -> SeenTag | None:
        return next((t for t in self.tags if t.tag == tag), None)


class PlainCipher:
    """Marks instead of encrypting, so that a test can read what is sealed; opens only what it sealed.

    `withdrawn:…` is of a key that is gone for good, all else of one that is merely missing.
    """

    def seal(self, clear: bytes) -> bytes:
        return b"sealed:" + clear

    def open(self, sealed: bytes) -> bytes:
        if sealed.startswith(b"withdrawn:"):
            raise UnopenedError("a withdrawn key")
        if not sealed.startswith(b"sealed:"):
            raise ValueError("not sealed by this cipher")
        return sealed.removeprefix(b"sealed:")

    def digest(self, clear: bytes) -> str:
        return f"hash of {clear.decode()}"


class PlainRenderer:
    """Fills `{name}`; a name without a value cannot be rendered. Counts its turns.

    A text message takes a segment for each letter.
    """

    def __init__(self) -> None:
        self.turns = 0

    def render(self, template: Template, variables: Mapping[str, Any]) -> Content:
        self.turns += 1
        try:
            body = template.body.format_map(dict(variables))
            return Content(body=body, segments=len(body) if template.channel_type == "sms" else None)
        except KeyError as error:
            raise RenderFailedError(f"missing variable {error}") from error


class PlainAddresses:
    """A mail has an @ and is lower-cased; a phone begins with +; any other channel takes everything."""

    def normal(self, channel: str, address: str) -> str | None:
        if channel == "email":
            return address.lower() if "@" in address else None
        if channel == "sms":
            return address if address.startswith("+") else None
        return address


class PlainLinks:
    """Links that name their user, and the campaign, in clear."""

    def unsubscribe(self, user_id: str, campaign: str | None) -> str | None:
        return f"https://carillon.test/out/{user_id}" + (f"/{campaign}" if campaign else "")

    def preferences(self, user_id: str, at: int) -> str | None:  # noqa: ARG002 - the port's
        return f"https://carillon.test/choices/{user_id}"


@dataclass(frozen=True, slots=True)
class MemoryOutside:
    """The ports of the recipient stage, in memory."""

    reference: MemoryReference = field(default_factory=MemoryReference)
    cipher: Cipher = field(default_factory=PlainCipher)
    renderer: PlainRenderer = field(default_factory=PlainRenderer)
    addresses: Addresses = field(default_factory=PlainAddresses)
    links: PlainLinks = field(default_factory=PlainLinks)
    rules: Rules = field(default_factory=Rules)
    device_terms: DeviceTerms = field(default_factory=DeviceTerms)
    account_terms: AccountTerms | None = None
    flows: Flows = field(default_factory=NoHolds)
