"""What agents need of the world, as Protocols. Engine and connectors fulfil them; the topology joins them.

An agent is an async generator over a `Stream`: one call handles one batch of one task, then its frame is
discarded. It yields records; the topology knows whether a record's type means a topic, a timer or an effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct

from tables.caps import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from schemas.records import Content, NotificationType, Provider, Rule, SeenTag, Template

K_contra = TypeVar("K_contra", contravariant=True)
V = TypeVar("V")


class Rules(Struct, frozen=True):
    """What holds for every user who chose nothing else. `timezone`: of users without one of their own."""

    timezone: str = "UTC"
    limits: Limits = Limits()


class Event(Protocol):
    """One input: a decoded record, a timer that came due, or the result of an effect.

    `at`: event time, ms: the record's timestamp; for timers and effects the batch's clock. `origin`:
    `topic/partition/offset`; empty for timers and effect results.
    """

    @property
    def value(self) -> Any: ...
    @property
    def key(self) -> bytes: ...
    @property
    def at(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, bytes]: ...
    @property
    def origin(self) -> str: ...


class Stream(Protocol):
    """The inputs of one batch of one task, in order; it ends with the batch. `now`: its wall clock, ms."""

    @property
    def now(self) -> int: ...
    def __aiter__(self) -> AsyncIterator[Event]: ...


class Table(Protocol[K_contra, V]):
    """A changelog-backed table of the task. Its batch sees writes at once; they are kept if it commits."""

    def get(self, key: K_contra) -> V | None:
        """The live value, None when absent or expired."""

    def put(self, key: K_contra, value: V, *, expires_at: int | None = None) -> None:
        """Write; with `expires_at` (ms) the row ends by itself."""

    def delete(self, key: K_contra) -> None: ...

    def scan(self, prefix: bytes, after: bytes = b"", limit: int = 1_000) -> list[tuple[bytes, V]]:
        """Live rows whose key begins with `prefix` and lies behind `after`, in order, at most `limit`."""
        ...


class Reference(Protocol):
    """Reference data, read whole by every worker (design rule 16). `find_*` waits ≤ 2 s for a fresh entry.

    `providers`: the active ones of a channel, in the order in which they are tried.
    """

    async def find_type(self, code: str) -> NotificationType | None: ...
    async def find_template(self, name: str, channel: str, language: str) -> Template | None:
        """This language only; fallback is the agent's decision."""

    async def find_tag(self, tag: str) -> SeenTag | None:
        """The entry as it was written last: one that is known may be old, so this always waits."""

    def rule(self, topic: str, event_type: str) -> Rule | None: ...
    def type(self, code: str) -> NotificationType | None: ...
    def template(self, name: str, channel: str, language: str) -> Template | None:
        """As `find_template`, without waiting."""

    def secret_variables(self, code: str) -> frozenset[str] | None:
        """Variables that any template of the type marks as secret; None: no template is known."""

    def providers(self, channel: str) -> Iterable[Provider]: ...
    def reporting(self, channel: str) -> Iterable[str]:
        """Names of providers that have a webhook, those too that are switched off."""
        ...

    def receipts_within_ms(self, channel: str, name: str) -> int | None:
        """How soon a provider has to report what it took; None: it is not judged by that."""
        ...

    def tag(self, tag: str) -> SeenTag | None: ...
    def is_withdrawn(self, campaign_label: str) -> bool:
        """Whether nothing more is sent of the campaign (CRM-OP-03)."""
        ...


class Flows(Protocol):
    """What is asked for by service and type, as far as it is anomalous; known a moment late."""

    def is_held(self, source: str, notification_type: str) -> bool:
        """Whether requests of the service for the type wait for an admin (NS-SEC-OP-07)."""
        ...


class NoHolds:
    """`Flows` of which nothing is held."""

    def is_held(self, source: str, notification_type: str) -> bool:  # noqa: ARG002 - the port's
        """Nothing is."""
        return False


class Health(Protocol):
    """How providers are, as this process sees them now; a replay may see them otherwise."""

    def paused_until(self, provider: Provider, now: int) -> int:
        """No call of it should be decided before (ms); 0 when one may."""
        ...

    def share(self, provider: Provider, now: int) -> float:
        """How much of its weight it has, from just above 0 to 1: less while it fails or reports slowly."""
        ...


class Purse(Protocol):
    """What may still be spent, as this process knows it now; a replay may know otherwise."""

    def refused_by(self, scopes: Sequence[str], cost: int, now: int) -> str | None:
        """The budget (`sms per_day`) that has no room for this cost at `now` (ms); None: all have."""
        ...


class Cipher(Protocol):
    """Field-level encryption: deterministic, with a key id (NS-SEC-OP-01)."""

    def seal(self, clear: bytes) -> bytes: ...
    def open(self, sealed: bytes) -> bytes: ...
    def digest(self, clear: bytes) -> str:
        """A keyed hash, the same whichever key seals: equal clears are found again by it."""
        ...


class Renderer(Protocol):
    """Sandboxed rendering with bounded iterations and output (NS-TPL-OP-05).

    `schemas.errors.RenderFailedError` for missing or wrongly typed variables, loops and limits.
    """

    def render(self, template: Template, variables: Mapping[str, Any]) -> Content: ...


class Links(Protocol):
    """Signed links to what a user chose; None where no public address or no key is configured."""

    def unsubscribe(self, user_id: str, campaign: str | None) -> str | None:
        """The page, and the one click, that ends all marketing (NS-API-OP-10); whose message led there."""

    def preferences(self, user_id: str, at: int) -> str | None:
        """The page of all his choices, for a while from `at` (ms) on."""


class Addresses(Protocol):
    """Checks and normal forms of addresses."""

    def normal(self, channel: str, address: str) -> str | None:
        """E.164, a lower-cased mail domain, a token as it is; None when it is no address of the channel."""
