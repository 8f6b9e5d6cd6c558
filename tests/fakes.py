"""Ports in memory: what the engine and the reference topic give an agent, without a broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

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


@dataclass(slots=True)
class MemoryReference:
    """Reference data from lists. `rules` by (topic, event type)."""

    types: list[NotificationType] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    active: list[Provider] = field(default_factory=list)
    tags: list[SeenTag] = field(default_factory=list)

    async def find_type(self, code: str) -> NotificationType | None:
        return self.type(code)

    async def find_template(self, name: str, channel: str, language: str) -> Template | None:
        wanted = (name, channel, language)
        found = (t for t in self.templates if (t.name, t.channel_type, t.language_code) == wanted)
        return next(found, None)

    def rule(self, topic: str, event_type: str) -> Rule | None:
        return next((r for r in self.rules if (r.topic, r.event_type) == (topic, event_type)), None)

    def type(self, code: str) -> NotificationType | None:
        return next((t for t in self.types if t.code == code), None)

    def secret_variables(self, code: str) -> frozenset[str]:
        found = self.type(code)
        names = {t.template_name for t in [found] if t}
        described = (t.variables.items() for t in self.templates if t.name in names)
        return frozenset(name for each in described for name, about in each if about.get("secret"))

    def providers(self, channel: str) -> list[Provider]:
        serving = (p for p in self.active if p.channel_type == channel and p.is_active)
        return sorted(serving, key=lambda p: (-p.priority, p.cost, p.name))

    def tag(self, tag: str) -> SeenTag | None:
        return next((t for t in self.tags if t.tag == tag), None)
