"""The books of a run: what was asked for against what two servers received and what the rows say of it.

Nothing of the product is imported, nor anything that it imports: this must be able to tell on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

SENT, UNKNOWN, RETRYING = "sent", "unknown", "retrying"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mail that a provider's server wrote down; `at` is ms of wall time."""

    provider: str
    message_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Mail:
    """A row: the message of a request, how it stands, and who was called last."""

    message_id: str
    key: str
    status: str
    provider: str | None


@dataclass(frozen=True, slots=True)
class Setback:
    """A line of a message's history: an attempt that was not the last, or a wait; `at` as above."""

    message_id: str
    status: str
    provider: str | None
    reason: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Books:
    """`asked`: keys of the requests that the broker has acknowledged."""

    asked: Collection[str]
    mails: Sequence[Mail]
    receipts: Sequence[Receipt]
    setbacks: Sequence[Setback]

    @property
    def repeats(self) -> int:
        """How many receipts are not the first of their mail."""
        return len(self.receipts) - len({one.message_id for one in self.receipts})

    @property
    def unheard(self) -> int:
        """Attempts that are listed as ones whose answer nobody heard."""
        return sum(one.status == UNKNOWN for one in self.setbacks)


def balance(books: Books) -> dict[str, list[str]]:
    """What is wrong, by name: ids, or keys of requests. Of a sound run every list is empty."""
    asked, rows = set(books.asked), Counter(mail.key for mail in books.mails)
    known = {mail.message_id for mail in books.mails}
    sent = [mail for mail in books.mails if mail.status == SENT]
    received = Counter((one.message_id, one.provider) for one in books.receipts)
    arrived = {message_id for message_id, _ in received}
    return {
        "requests without a mail": sorted(asked - rows.keys()),
        "mails beyond one for each request": sorted((rows - Counter(asked)).elements()),
        "mails lost": sorted(known - arrived),
        "mails received and not in the rows": sorted(arrived - known),
        "mails not ended as sent": sorted(one.message_id for one in books.mails if one.status != SENT),
        "mails sent by one who has not received them": sorted(
            one.message_id for one in sent if (one.message_id, one.provider) not in received
        ),
        "receipts repeated and not listed": _unlisted(books, sent, received),
    }


def _unlisted(books: Books, sent: Sequence[Mail], received: Counter[tuple[str, str]]) -> list[str]:
    """Receipts of which no line tells.

    One is that by which its row says `sent`; each other one must be an attempt at that very provider whose
    answer is listed as unheard.
    """
    unheard = [(one.message_id, one.provider or "") for one in books.setbacks if one.status == UNKNOWN]
    left = received - Counter([*((one.message_id, one.provider or "") for one in sent), *unheard])
    return sorted(f"{message_id} at {provider}" for message_id, provider in left.elements())
