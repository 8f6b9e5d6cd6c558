"""What the demo shows at its end, out of the books' report. Pure: values in, things to print out."""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import msgspec
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import EmailMessage

SHOWN_HEADERS = ("From", "To", "Subject", "Date", "Message-ID")

WHERE = """\
In Postgres:
  select outcome, reason, count(*) from notification_requests group by 1, 2;
  select channel_type, status, status_reason, count(*) from notification_messages group by 1, 2, 3;
In Kafka:
  notification.events   every change of a status, as JSON
  notification.stats    sums by minute, hour and day; the last record of a key counts
  <input topic>.dlq     records nobody could read, with the reason in their headers
They go with the demo; `carillon demo --keep` leaves them in the data folder for `carillon up`."""


class Samples(msgspec.Struct, frozen=True):
    """Ids worth a closer look."""

    mail: str | None
    why: str | None


class Report(msgspec.Struct, frozen=True):
    """What `examples/books.py --report` writes. Counts stand last in each entry."""

    balanced: bool
    checks: list[tuple[str, int, bool]]
    outcomes: list[tuple[str, str | None, int]]
    messages: list[tuple[str, str, str | None, int]]
    dead: list[tuple[str, int]]
    seen: list[tuple[str, int]]
    calls: int
    samples: Samples


def parse(raw: bytes) -> Report:
    """Read the report; `msgspec.ValidationError` when it is none."""
    return msgspec.json.decode(raw, type=Report)


def tables(report: Report) -> list[Table]:
    """The tables, in the order of a request's way."""
    return [
        _table("Requests", ("outcome", "reason"), report.outcomes),
        _by_channel(report),
        _table("Why messages failed or are not certain", ("channel", "status", "reason"), _troubled(report)),
        _table("Dead letters", ("topic",), [(f"{topic}.dlq", count) for topic, count in report.dead]),
        _table("Seen facts", ("topic",), report.seen),
        _books(report),
    ]


def _table(title: str, words: tuple[str, ...], rows: Iterable[tuple[str | int | None, ...]]) -> Table:
    table = Table(title=title, title_justify="left", min_width=52)
    for word in words:
        table.add_column(word)
    table.add_column("count", justify="right")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    return table


def _by_channel(report: Report) -> Table:
    """One row for each channel, one column for each status."""
    counted: Counter[tuple[str, str]] = Counter()
    for channel, status, _, count in report.messages:
        counted[channel, status] += count
    statuses = sorted({status for _, status in counted})
    table = Table(title="Messages", title_justify="left", min_width=52)
    table.add_column("channel")
    for status in statuses:
        table.add_column(status, justify="right")
    for channel in sorted({channel for channel, _ in counted}):
        table.add_row(channel, *(str(counted[channel, status]) for status in statuses))
    return table


def _troubled(report: Report) -> list[tuple[str | int | None, ...]]:
    return [row for row in report.messages if row[2] is not None]


def _books(report: Report) -> Table:
    table = Table(title="Books: ids expected from the file = ids found", title_justify="left", min_width=52)
    table.add_column("ids", justify="right")
    table.add_column("check")
    table.add_column("balance")
    for name, count, balanced in report.checks:
        table.add_row(str(count), name, "yes" if balanced else "NO")
    return table


def mail_text(raw: bytes) -> str:
    """A mail as it arrived: the headers a reader sees, then its text."""
    mail: EmailMessage = message_from_bytes(raw, policy=policy.default)
    head = [f"{name}: {str(mail[name]).strip()}" for name in SHOWN_HEADERS if mail[name]]
    body = mail.get_body(("plain", "html"))
    text = body.get_content().strip() if body is not None else ""
    return "\n".join([*head, "", text])
