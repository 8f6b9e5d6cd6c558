"""How records of the topic `rows` become columns: folded per key, in the order of the queries' parameters."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from connectors.postgres.label_columns import LABEL
from schemas.money import MILLION
from schemas.records import (
    DeviceRow,
    LabelChanged,
    MessageRow,
    PersonErased,
    PreferenceRow,
    RequestDecided,
    StatsRow,
    StatusLogged,
)
from schemas.words import Outcome

RowRecord: TypeAlias = (
    RequestDecided
    | MessageRow
    | StatusLogged
    | LabelChanged
    | PreferenceRow
    | DeviceRow
    | StatsRow
    | PersonErased
)

LATEST_MS = 253_402_300_799_999  # the last millisecond of the year 9999
WIDTHS = {
    "notification_type": 100,
    "category": 20,
    "reason": 100,
    "language": 10,
    "platform": 20,
    "template": 255,
    "provider": 100,
    "provider_name": 100,
    "campaign_label": 128,
    "variant": 50,
}


@dataclass(slots=True)
class Fold:
    """What to write of a batch: last decision per request, highest version per message, each event once."""

    requests: dict[tuple[str, int, str], RequestDecided] = field(default_factory=dict)
    messages: dict[str, MessageRow] = field(default_factory=dict)
    log: dict[str, StatusLogged] = field(default_factory=dict)
    labels: dict[str, LabelChanged] = field(default_factory=dict)
    preferences: list[PreferenceRow] = field(default_factory=list)
    stats: dict[str, StatsRow] = field(default_factory=dict)
    devices: list[DeviceRow] = field(default_factory=list)
    erased: list[PersonErased] = field(default_factory=list)

    @classmethod
    def of(cls, records: Sequence[RowRecord]) -> Fold:
        """Fold records given in the order of the topic."""
        fold = cls()
        for record in records:
            fold.add(record)
        return fold

    def add(self, record: RowRecord) -> None:
        """Take one more record in."""
        if type(record) is MessageRow:
            known = self.messages.get(record.message_id)
            if known is None or known.version < record.version:
                self.messages[record.message_id] = record
        elif type(record) is StatusLogged:
            self.log.setdefault(record.event_id, record)
        elif type(record) is RequestDecided:
            key = (record.request_id, record.received_at, record.origin)
            decided = self.requests.get(key)
            if decided is None or replaces(record, decided):
                self.requests[key] = record
        else:
            self._add_other(record)

    def _add_other(self, record: RowRecord) -> None:
        if type(record) is LabelChanged:
            label = self.labels.setdefault(record.label.audience_label, record)
            if label.label.version < record.label.version:
                self.labels[record.label.audience_label] = record
        elif type(record) is StatsRow:
            bucket = self.stats.setdefault(record.bucket_id, record)
            if bucket.version < record.version:
                self.stats[record.bucket_id] = record
        elif type(record) is PreferenceRow:
            self.preferences.append(record)
        elif type(record) is DeviceRow:
            self.devices.append(record)
        elif type(record) is PersonErased:
            self.erased.append(record)
        else:
            raise TypeError(f"{type(record).__name__} is no record of the topic `rows`")


def replaces(later: RequestDecided, known: RequestDecided) -> bool:
    """Whether a decision takes the place of another; `write_requests` says the same in SQL.

    Waiting is none: it gives way to whatever follows it, by whatever clock that was decided.
    """
    if known.outcome == Outcome.WAITING:
        return True
    return known.decided_at < later.decided_at and later.outcome != Outcome.WAITING


def request_columns(rows: Sequence[RequestDecided]) -> list[list[Any]]:
    """Columns of query `write_requests`."""
    return _columns(rows, _REQUEST)


def message_columns(rows: Sequence[MessageRow]) -> list[list[Any]]:
    """Columns of query `write_messages`."""
    return _columns(rows, _MESSAGE)


def log_columns(rows: Sequence[StatusLogged]) -> list[list[Any]]:
    """Columns of query `write_log`."""
    return _columns(rows, _LOG)


def label_columns(rows: Sequence[LabelChanged]) -> list[list[Any]]:
    """Columns of query `write_labels`."""
    return _columns([row.label for row in rows], LABEL)


def mended(record: RowRecord) -> RowRecord:
    """Change what Postgres cannot store: NUL and lone surrogates, texts and times beyond their columns."""
    return msgspec.structs.replace(
        record,
        **{name: _mended(name, getattr(record, name)) for name in record.__struct_fields__},
    )


def _mended(name: str, value: Any) -> Any:
    if isinstance(value, str):
        text = value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
        return text[: WIDTHS[name]] if name in WIDTHS else text
    if isinstance(value, bytes) and name in {"payload", "details"}:
        return value.replace(b"\\u0000", b"\\ufffd")
    if isinstance(value, int) and name.endswith("at"):
        return min(max(value, 0), LATEST_MS)
    return value


def _columns(rows: Sequence[Any], getters: Sequence[Callable[[Any], Any]]) -> list[list[Any]]:
    return [[get(row) for row in rows] for get in getters]


def _detail(row: MessageRow) -> str | None:
    """Join reason and detail: `status_details` alone tells why (NS-SND-OP-06)."""
    if row.reason and row.detail:
        return f"{row.reason}: {row.detail}"
    return row.reason or row.detail


_REQUEST: tuple[Callable[[RequestDecided], Any], ...] = (
    lambda r: r.request_id,
    lambda r: r.source,
    lambda r: r.idempotency_key,
    lambda r: r.user_id,
    lambda r: r.notification_type,
    lambda r: r.category,
    lambda r: r.lane,
    lambda r: r.received_at,
    lambda r: r.decided_at,
    lambda r: r.outcome,
    lambda r: r.reason,
    lambda r: r.rule,
    lambda r: r.value,
    lambda r: r.origin,
    lambda r: ",".join(r.channels),
    lambda r: r.campaign_id,
    lambda r: r.campaign_label,
)
_MESSAGE: tuple[Callable[[MessageRow], Any], ...] = (
    lambda r: r.message_id,
    lambda r: r.version,
    lambda r: r.request_id,
    lambda r: r.user_id,
    lambda r: r.channel,
    lambda r: r.template,
    lambda r: r.template_version,
    lambda r: b64encode(r.recipient).decode(),
    lambda r: r.status,
    lambda r: r.reason,
    _detail,
    lambda r: r.payload.decode(),
    lambda r: r.notification_type,
    lambda r: r.category,
    lambda r: r.lane,
    lambda r: r.source,
    lambda r: r.idempotency_key,
    lambda r: r.language,
    lambda r: r.provider,
    lambda r: r.provider_message_id,
    lambda r: r.attempts,
    lambda r: r.scheduled_at,
    lambda r: r.created_at,
    lambda r: r.sent_at,
    lambda r: r.delivered_at,
    lambda r: r.opened_at,
    lambda r: r.clicked_at,
    lambda r: r.expires_at,
    lambda r: r.updated_at,
    lambda r: r.segments,
    lambda r: r.campaign_id,
    lambda r: r.campaign_label,
    lambda r: r.variant,
    lambda r: r.is_test,
    lambda r: r.counted,
    lambda r: None if r.cost is None else Decimal(r.cost) / MILLION,
)
_LOG: tuple[Callable[[StatusLogged], Any], ...] = (
    lambda r: r.event_id,
    lambda r: r.message_id,
    lambda r: r.message_created_at,
    lambda r: r.status,
    lambda r: r.at,
    lambda r: r.details.decode(),
)
