"""A request, its type, its templates and its user: samples that a test changes by `replace`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.recipient import Memory, decide
from schemas.ids import subject_key
from schemas.records import (
    ContactChanged,
    Device,
    MessageQueued,
    NotificationType,
    PreferenceChanged,
    RequestDecided,
    RequestDue,
    RequestReceived,
    SendTask,
    Template,
)
from tables.asking import Asking
from tables.caps import Caps
from tables.contacts import Contacts
from tables.devices import Devices, Owner
from tables.pending import Pending
from tables.preferences import Preferences
from tables.requests import Taken
from tests.fakes import MemoryOutside, MemoryReference, MemoryTable

if TYPE_CHECKING:
    from agents.answer import Answered
    from agents.recipient import Input

SECOND = 1_000
DAY = 86_400 * SECOND
T0 = 1_747_830_896_000  # 2025-05-21T12:34:56Z
USER = "0f8fad5b-d9cb-469f-a165-70867728950e"

ORDER = NotificationType(
    code="order_confirmation",
    title="Order confirmed",
    category="transactional",
    default_channels=["email", "push"],
    template_name="order",
)
RESET = NotificationType(
    code="password_reset",
    title="Code",
    category="transactional",
    default_channels=["sms"],
    fallback_channels=["email"],
    template_name="reset",
    is_mandatory=True,
    ttl_s=600,
)
PROMO = NotificationType(
    code="promo",
    title="News",
    category="marketing",
    default_channels=["email", "push"],
    template_name="promo",
    default_priority="high",
)
ALARM = NotificationType(
    code="alarm",
    title="Alarm",
    category="transactional",
    default_channels=["push"],
    fallback_channels=["sms", "email"],
    template_name="alarm",
    ttl_s=3600,
    fallback_after_s=600,
)
TEMPLATES = [
    Template(name="order", channel_type="email", language_code="ru", body="Заказ {OrderNumber}", version=3),
    Template(name="order", channel_type="email", language_code="en", body="Order {OrderNumber}"),
    Template(name="order", channel_type="push", language_code="ru", body="{OrderNumber}"),
    Template(
        name="reset",
        channel_type="sms",
        language_code="ru",
        body="Код {Code}",
        variables={"Code": {"type": "string", "secret": True}},
    ),
    Template(name="reset", channel_type="email", language_code="ru", body="Код {Code}"),
    Template(name="promo", channel_type="email", language_code="ru", body="Скидки"),
    Template(name="alarm", channel_type="push", language_code="ru", body="Тревога"),
    Template(name="alarm", channel_type="sms", language_code="ru", body="Тревога"),
    Template(name="alarm", channel_type="email", language_code="ru", body="Тревога"),
]

REQUEST = RequestReceived(
    request_id="11111111-1111-8111-8111-111111111111",
    source="shop",
    idempotency_key="order-1",
    user_id=USER,
    notification_type="order_confirmation",
    lane="high",
    data=b'{"OrderNumber":"A-1"}',
    received_at=T0,
    occurred_at=T0,
    origin="notification.send.request/0/7",
)
REGISTERED = ContactChanged(
    user_id=USER,
    action="registered",
    changed_at=T0 - DAY,
    email=b"sealed:Anna@example.com",
    phone=b"sealed:+79001234567",
    language="ru",
)
PHONES = ContactChanged(
    user_id=USER,
    action="updated",
    changed_at=T0 - DAY,
    devices=[Device(token=b"sealed:one", platform="ios"), Device(token=b"sealed:two", platform="web")],
)


def chosen(**fields: Any) -> PreferenceChanged:
    """A fact about a choice of the user, one day old."""
    return PreferenceChanged(**{"user_id": USER, "changed_at": T0 - DAY, **fields})


def reference() -> MemoryReference:
    """The types and their templates."""
    return MemoryReference(types=[ORDER, RESET, PROMO, ALARM], templates=list(TEMPLATES))


@dataclass
class Desk:
    """The recipient stage of one user, with its tables, at a clock that the test moves."""

    outside: MemoryOutside = field(default_factory=lambda: MemoryOutside(reference=reference()))
    requests: MemoryTable[bytes, Taken] = field(default_factory=MemoryTable)
    contacts: MemoryTable[bytes, Contacts] = field(default_factory=MemoryTable)
    preferences: MemoryTable[bytes, Preferences] = field(default_factory=MemoryTable)
    pending: MemoryTable[bytes, Pending] = field(default_factory=MemoryTable)
    caps: MemoryTable[bytes, Caps] = field(default_factory=MemoryTable)
    devices: MemoryTable[bytes, Devices] = field(default_factory=MemoryTable)
    owners: MemoryTable[bytes, Owner] = field(default_factory=MemoryTable)
    asking: MemoryTable[bytes, Asking] = field(default_factory=MemoryTable)
    now: int = T0

    async def tell(self, *values: Input) -> list[Answered]:
        """What follows from these inputs, in order."""
        self.requests.now = self.pending.now = self.caps.now = self.now
        memory = Memory(**{name: getattr(self, name) for name in Memory.__struct_fields__})
        return [one for value in values for one in await decide(value, self.now, memory, self.outside)]

    def known(self) -> Contacts | None:
        """What is known of the user."""
        return self.contacts.get(subject_key(USER))


def decision(answered: list[Answered]) -> RequestDecided:
    """The one decision among what followed."""
    (found,) = [one for one in answered if isinstance(one, RequestDecided)]
    return found


def messages(answered: list[Answered]) -> list[MessageQueued]:
    """The messages among what followed."""
    return [one for one in answered if isinstance(one, MessageQueued)]


def tasks(answered: list[Answered]) -> list[SendTask]:
    """The tasks among what followed."""
    return [one for one in answered if isinstance(one, SendTask)]


def timer(answered: list[Answered]) -> RequestDue:
    """The timer that is all that followed, beside the row that says so."""
    found, row = answered
    assert isinstance(found, RequestDue)
    assert isinstance(row, RequestDecided)
    assert "waiting" == row.outcome
    return found


def ending(answered: list[Answered]) -> tuple[str, str | None, str | None, str | None]:
    """Outcome, reason, rule and value of the decision."""
    found = decision(answered)
    return found.outcome, found.reason, found.rule, found.value
