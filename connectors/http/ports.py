"""What the HTTP edge needs of the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from connectors.choices import NoChoices
from connectors.devices import NoDevices
from connectors.http.audience.slots import Slots
from connectors.http.health import Vitals
from connectors.postgres.why import Explanation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from prometheus_client import CollectorRegistry

    from connectors.access.actor import Actor
    from connectors.access.desk import KeyDesk
    from connectors.choices import Choices
    from connectors.devices import Devices, FieldCipher
    from connectors.http.audience.ports import Audience, Resolve
    from connectors.http.authority import Authenticate
    from connectors.http.campaigns.ports import Campaigns
    from connectors.http.checks import Asks
    from connectors.http.mailbox.ports import MailboxPorts
    from connectors.links import LinkSigner
    from connectors.metrics import HttpMetrics
    from connectors.persons import Persons
    from connectors.postgres.audit import Change
    from connectors.statistics import Asked, Group
    from connectors.templates.desk import Desk
    from schemas.records import AnomalyFound, Content, Provider, SeenPosted, Template


class BrokerUnavailableError(Exception):
    """The broker did not confirm a record. It may or may not be written."""


class Publish(Protocol):
    """Writes a seen post to its topic and returns once all in-sync replicas have it (SEEN-OP-06).

    Raises `BrokerUnavailableError`. It is cancelled when it takes longer than `publish_timeout_ms`.
    """

    async def __call__(self, record: SeenPosted, headers: Mapping[str, bytes]) -> None:
        """`headers` (`traceparent`, `request_id`) go onto the record."""


class Produce(Protocol):
    """Writes one record and returns once all in-sync replicas have it; raises `BrokerUnavailableError`."""

    async def __call__(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None: ...


class Explain(Protocol):
    """What the database knows of a request's or message's id; raises `PostgresUnavailableError`."""

    async def __call__(self, asked: UUID) -> Explanation: ...


class CountDelivery(Protocol):
    """Sums of a period by channel, type and provider; raises `PostgresUnavailableError`."""

    async def __call__(self, asked: Asked) -> Sequence[Group]: ...


class FindProvider(Protocol):
    """A configured provider of a channel, active or not; `BrokerUnavailableError` before any was read."""

    def __call__(self, channel: str, name: str) -> Provider | None: ...


class UnfetchedError(Exception):
    """An address of a vendor gave nothing that can be used. The text says why, and holds no address."""


class AbsentError(UnfetchedError):
    """The vendor says that nothing is there, and would say so again."""


class Fetch(Protocol):
    """GETs an https address of a vendor; raises `UnfetchedError`, `AbsentError` where nothing is."""

    async def __call__(self, url: str) -> bytes: ...


async def unfetched(url: str) -> bytes:  # noqa: ARG001
    """A `Fetch` of a port that asks nobody."""
    raise UnfetchedError("nobody is asked")


def no_provider(channel: str, name: str) -> Provider | None:  # noqa: ARG001
    """A `FindProvider` of a port that has none."""
    return None


async def nowhere(topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:  # noqa: ARG001
    """A `Produce` of a port that has no broker."""
    raise BrokerUnavailableError


async def unknown(asked: UUID) -> Explanation:
    """An `Explain` of a port that has no database."""
    return Explanation(str(asked), (), ())


async def uncounted(asked: Asked) -> Sequence[Group]:  # noqa: ARG001
    """A `CountDelivery` of a port that has no database."""
    return ()


class Trial(NamedTuple):
    """One message of a template to one address, to look at. `request_key`: repeats of it are one message."""

    template: Template
    content: Content
    data: Mapping[str, Any]
    recipient: str
    author: str
    request_key: str


class SendTrial(Protocol):
    """Queues a trial, durably. Raises `BrokerUnavailableError`; a repeat then may send it twice."""

    async def __call__(self, trial: Trial) -> str | None:
        """The message's id; None when the recipient is no address of the template's channel."""


class ListAnomalies(Protocol):
    """What is far above its average now; raises `ConnectionError`."""

    async def __call__(self) -> list[AnomalyFound]: ...


class NoteDown(Protocol):
    """Writes a line of the audit log (NS-SEC-005); raises `PostgresUnavailableError`."""

    async def __call__(self, actor: Actor, change: Change) -> None: ...


class Throttle(Protocol):
    """Says whether a request comes too soon (NS-SEC-OP-04)."""

    def __call__(self, user_key: str | None, address: str | None, count: int = 1) -> Mapping[str, str] | None:
        """Return the headers of a 429, or None to let it pass; `count`: of facts in it.

        `address`: what a proven gateway forwarded, never its own; of a stranger that of his connection.
        """

    def give_back(self, user_key: str | None, address: str | None, count: int = 1) -> None:
        """Count them no longer: the broker took none, and who is told 503 comes again."""


class KeyThrottle(Protocol):
    """Says whether a request of an API key comes too soon (AUD-OP-22)."""

    def __call__(self, key_id: str, operation: str) -> Mapping[str, str] | None:
        """Return the headers of a 429, or None to let it pass."""

    def left(self, key_id: str, operation: str) -> Mapping[str, str]:
        """The headers that tell where the key stands."""
        ...

    def give_back(self, key_id: str, operation: str) -> None:
        """Count it no longer: who is told 503 comes again."""


class NoCipher:
    """A `FieldCipher` of a port that takes no tokens."""

    def seal(self, clear: bytes) -> bytes:  # noqa: ARG002 - the port's
        """Refuse."""
        raise BrokerUnavailableError

    def open(self, sealed: bytes) -> bytes:  # noqa: ARG002 - the port's
        """Refuse."""
        raise BrokerUnavailableError

    def digest(self, clear: bytes) -> str:  # noqa: ARG002 - the port's
        """Refuse."""
        raise BrokerUnavailableError


@dataclass(frozen=True, slots=True)
class EdgePorts:
    """The public port. A throttle None: no limits. Without `produce` nothing is taken.

    `audience`, `keys`, `templates`, `persons` None: their endpoints answer 503; `send_trial` None: no trial.
    `campaigns` None: the read of campaigns is for other processes, and answers 404. Without `choices` there
    are no preferences; `links` None: no link of a message is ours. `resolve` None: a publication to a
    query is a 502. `cipher` is for tokens of `devices`. `has_docs` False: no page at `/docs`. `note_down`
    None: nobody keeps an audit log. `mailbox` None: messages in the app are for other processes.
    `find_provider`: whose webhooks there are; `fetch`: what those need of their vendors.
    `list_anomalies` None: the quarantine answers 503.
    """

    publish: Publish
    authenticate: Authenticate
    now_ms: Callable[[], int]
    metrics: HttpMetrics
    throttle: Throttle | None = None
    audience: Audience | None = None
    key_throttle: KeyThrottle | None = None
    slots: Slots = field(default_factory=Slots)
    campaigns: Campaigns | None = None
    publish_timeout_ms: int = 5_000
    produce: Produce = nowhere
    explain: Explain = unknown
    count_delivery: CountDelivery = uncounted
    keys: KeyDesk | None = None
    templates: Desk | None = None
    send_trial: SendTrial | None = None
    choices: Choices = field(default_factory=NoChoices)
    links: LinkSigner | None = None
    devices: Devices = field(default_factory=NoDevices)
    cipher: FieldCipher = field(default_factory=NoCipher)
    resolve: Resolve | None = None
    has_docs: bool = True
    note_down: NoteDown | None = None
    persons: Persons | None = None
    vitals: Vitals = field(default_factory=Vitals)
    mailbox: MailboxPorts | None = None
    find_provider: FindProvider = no_provider
    fetch: Fetch = unfetched
    list_anomalies: ListAnomalies | None = None


@dataclass(frozen=True, slots=True)
class OpsPorts:
    """The operations port. A check returns None when all is well, else a sentence; raising is failing.

    `live`: what only a restart can repair. `ready`: what work needs (kafka, postgres, tables). `aside`: parts
    that refuse their own calls while they wait; `/readyz` tells them, and stays 200 for the others' sake.
    """

    live: Asks
    ready: Asks
    version: Mapping[str, str]
    registry: CollectorRegistry
    authenticate: Authenticate
    metrics: HttpMetrics
    check_timeout_ms: int = 2_000
    aside: Asks = field(default_factory=dict)
