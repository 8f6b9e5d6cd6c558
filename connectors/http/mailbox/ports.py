"""What the mailbox's gateway needs: what a user has in the app, as far as this process has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from connectors.http.mailbox.clients import Clients
from connectors.mailbox_metrics import Unheard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.mailbox_metrics import Figures
    from schemas.records import Content


class NotCaughtUpError(Exception):
    """What is needed for the answer has not been read yet."""


class Item(NamedTuple):
    """One message in a mailbox. `number` rises; the flags say what was done with it."""

    message_id: str
    number: int
    is_delivered: bool = False
    is_seen: bool = False
    is_read: bool = False
    is_archived: bool = False

    @property
    def state(self) -> tuple[bool, bool, bool]:
        """What clients are told of it; that it was delivered they know."""
        return self.is_seen, self.is_read, self.is_archived


class Letter(NamedTuple):
    """What a message says. `created_at` in ms."""

    notification_type: str
    category: str
    request_id: str
    created_at: int
    content: Content


class Mailboxes(Protocol):
    """`of` and `letter` raise `NotCaughtUpError`."""

    def of(self, user_id: str) -> Sequence[Item]:
        """All that the user has, by number."""
        ...

    def letter(self, user_id: str, message_id: str) -> Letter | None:
        """What one of them says; None when nobody can read it any more."""
        ...

    def reason(self) -> str | None:
        """Why nothing can be answered now; None when it can."""
        ...


class Limits(NamedTuple):
    """Of the gateway. `login_s`: in which a client says who he is; `frames`: of one client in a minute."""

    ping_s: float = 25.0
    send_s: float = 10.0
    login_s: float = 10.0
    look_s: float = 25.0
    frames: int = 600


@dataclass(frozen=True, slots=True)
class MailboxPorts:
    """All that mailboxes are served by."""

    mailboxes: Mailboxes
    clients: Clients = field(default_factory=Clients)
    limits: Limits = field(default_factory=Limits)
    figures: Figures = field(default_factory=Unheard)
