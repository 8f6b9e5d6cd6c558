"""What providers report of messages that they took: the closed list of words, and reports as they are read.

The words become statuses of a message in `STATUSES`; those that move no status stand in its log only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.words import Reason, Status

if TYPE_CHECKING:
    from schemas.records import ReceiptHeard


class ReceiptKind(StrEnum):
    """What happened to a message, in our words (NS-CH-011)."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"  # and the address takes nothing at all
    FAILED = "failed"  # which says nothing of the address
    OPENED = "opened"
    OPENED_BY_MACHINE = "opened_by_machine"
    CLICKED = "clicked"
    CLICKED_BY_MACHINE = "clicked_by_machine"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


STATUSES: dict[ReceiptKind, tuple[Status, Reason | None]] = {
    ReceiptKind.DELIVERED: (Status.DELIVERED, None),
    ReceiptKind.BOUNCED: (Status.FAILED, Reason.BOUNCED),
    ReceiptKind.FAILED: (Status.FAILED, Reason.UNDELIVERED),
    ReceiptKind.OPENED: (Status.OPENED, None),
    ReceiptKind.CLICKED: (Status.CLICKED, None),
}
"""What moves the status of a message; all else is logged under its own word (NS-SND-OP-06)."""
LOGGED = frozenset(set(ReceiptKind) - STATUSES.keys())
LOOKS = frozenset(
    {
        ReceiptKind.OPENED,
        ReceiptKind.OPENED_BY_MACHINE,
        ReceiptKind.CLICKED,
        ReceiptKind.CLICKED_BY_MACHINE,
    }
)
"""What may be repeated without end, by whoever has the mail or an address of its pictures."""


@dataclass(frozen=True, slots=True)
class ReceiptsRead:
    """One post of a provider. `ignored`: events that mean nothing here; `strangers`: of no message here."""

    provider: str
    heard: tuple[ReceiptHeard, ...]
    ignored: int
    strangers: int


@dataclass(frozen=True, slots=True)
class ReceiptsLeft:
    """How many events of a post were left out; counted, and written nowhere."""

    provider: str
    ignored: int
    strangers: int
