"""What came of changes made while mails waited, as figures: pure, of what was seen from outside."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.sections import SUBJECT, Column, Row, Table
from bench.waits import distribution, waits_columns
from schemas.words import Reason

UNSUBSCRIBED, SWITCHED_OFF, CANCELLED, ERASED = "unsubscribed", "type switched off", "cancelled", "erased"
REASONS = {
    UNSUBSCRIBED: Reason.UNSUBSCRIBED_CHANNEL,
    SWITCHED_OFF: Reason.TYPE_DISABLED,
    CANCELLED: Reason.REQUEST_CANCELLED,
    ERASED: Reason.USER_ERASED,
}
"""Kind of change → why a mail that it forbids is withheld."""
LATE_MS = 1_000.0
"""A mail that the server gets later than this after the answer is one too many."""
TABLE = Table(
    "vetoes",
    "How soon a change holds",
    "One `carillon worker` with intake, recipient, delivery-email and rates, and one HTTP process; mails go "
    "to a server on this machine. The three waits are from the answer of HTTP until the change is in force: "
    "committed to the table that the delivery stage looks at before it records a call. Sent: mails that the "
    "change forbids and that the server got after the answer, and when it got the last of them, since the "
    "answer and since the change was in force: calls that were recorded before. Withheld: mails that came to "
    "their turn afterwards and ended for the reason that the change gives.",
    (
        SUBJECT,
        Column("kind", "change"),
        Column("waiting", "waiting first", "{:,.0f}"),
        Column("left", "last", "{:,.0f}"),
        Column("rate", "mails/s", "{:,.0f}"),
        Column("changes", "changes", "{:,.0f}"),
        *waits_columns(0.5, 0.99),
        Column("to_quiet", "P50 to nothing waiting", "{:.2f}"),
        Column("unknown", "never in force", "{:,.0f}"),
        Column("sent", "sent", "{:,.0f}"),
        Column("last_ms", "last after, ms", "{:,.0f}"),
        Column("late", "later than 1 s", "{:,.0f}"),
        Column("begun_ms", "last after in force, ms", "{:,.0f}"),
        Column("withheld", "withheld", "{:,.0f}"),
        Column("others", "CPU of others", "{:.0%}"),
    ),
)


class Mail(NamedTuple):
    """One mail: when (ms) the server got it, or it was withheld, and for what reason."""

    at: float
    message_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `row`: key in the delivery stage's tables; `message_id`: what it forbids, None: all."""

    kind: str
    user: str
    row: bytes
    answered_ms: float
    message_id: str | None = None

    def after(self, mails: Mapping[str, Sequence[Mail]]) -> list[Mail]:
        """Those of the mails by user that it forbids, from its answer on."""
        return [
            mail
            for mail in mails.get(self.user, ())
            if mail.at > self.answered_ms and self.message_id in (None, mail.message_id)
        ]


@dataclass(frozen=True, slots=True)
class Found:
    """What was seen: when rows of the delivery stage were committed (ms), and mails by user."""

    rows: Mapping[bytes, float]
    sent: Mapping[str, Sequence[Mail]]
    withheld: Mapping[str, Sequence[Mail]]


def rows_of(scene: str, changes: Sequence[Change], found: Found) -> list[Row]:
    """A row for each kind of change that was made."""
    by_kind = {kind: [one for one in changes if one.kind == kind] for kind in REASONS}
    return [_row(scene, kind, of_kind, found) for kind, of_kind in by_kind.items() if of_kind]


def _row(scene: str, kind: str, changes: Sequence[Change], found: Found) -> Row:
    waits = [max(at - one.answered_ms, 0.0) for one in changes if (at := found.rows.get(one.row)) is not None]
    sent = [mail.at - one.answered_ms for one in changes for mail in one.after(found.sent)]
    begun = [
        mail.at - at
        for one in changes
        for mail in one.after(found.sent)
        if (at := found.rows.get(one.row, math.inf)) < mail.at
    ]
    withheld = [mail for one in changes for mail in one.after(found.withheld)]
    return {
        "subject": scene,
        "kind": kind,
        "changes": len(changes),
        **distribution(waits),
        "unknown": len(changes) - len(waits),
        "sent": len(sent),
        "last_ms": max(sent, default=0.0),
        "late": sum(ms > LATE_MS for ms in sent),
        "begun_ms": max(begun, default=0.0),
        "withheld": sum(mail.reason == REASONS[kind] for mail in withheld),
    }


def compared(rows: Sequence[Row], quiet: str) -> list[Row]:
    """Beside each row how its P50 compares with that of the same change in the scene `quiet`."""
    key = "p50_ms"
    base = {row["kind"]: float(row[key]) for row in rows if row["subject"] == quiet and key in row}
    return [
        {**row, "to_quiet": float(row[key]) / base[row["kind"]]}
        if key in row and base.get(row["kind"])
        else row
        for row in rows
    ]


def faults(rows: Sequence[Row], waited: Collection[str]) -> list[str]:
    """Why the run is not as it should be. `waited`: scenes in which mails of the changed users waited."""
    told = {"late": f"mails later than {LATE_MS:,.0f} ms", "unknown": "changes never in force"}
    counted = [
        f"{row['subject']}, {row['kind']}: {row[key]:,.0f} {text}"
        for key, text in told.items()
        for row in rows
        if row[key]
    ]
    needed = {"withheld": "nothing was withheld", "left": "nothing waited at the end"}
    empty = [
        f"{scene}: {text}, so it shows nothing"
        for key, text in needed.items()
        for scene in waited
        if not any(row[key] for row in rows if row["subject"] == scene)
    ]
    return [*counted, *empty]
