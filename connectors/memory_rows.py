"""The sink's rows in memory: what `connectors.postgres.rows.RowWriter` promises, without a server.

For runs of the whole pipeline in one process; the same contract suite runs over both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from connectors.postgres.errors import SinkFencedError
from connectors.postgres.row_columns import Fold, replaces
from connectors.postgres.rows import Written
from schemas.ids import NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.postgres.row_columns import RowRecord
    from schemas.records import (
        LabelChanged,
        MessageRow,
        PersonErased,
        RequestDecided,
        StatsRow,
        StatusLogged,
    )


class MemoryTables:
    """The three tables and the offsets; several writers may share them, as processes share a database."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int, str], RequestDecided] = {}
        self.messages: dict[str, MessageRow] = {}
        self.log: dict[str, StatusLogged] = {}
        self.labels: dict[str, LabelChanged] = {}
        self.stats: dict[str, StatsRow] = {}
        self.offsets: dict[tuple[str, int], tuple[str, int]] = {}


class MemoryRows:
    """One writer."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables
        self._births: dict[tuple[str, int], str] = {}

    async def open_task(self, topic: str, partition: int, start: int, birth: str = "") -> int:
        """Give the offset to go on from; `start` for a partition never written or of another birth."""
        known, found = self.tables.offsets.get((topic, partition), (birth, start))
        found = found if known == birth else start
        self.tables.offsets[topic, partition] = (birth, found)
        self._births[topic, partition] = birth
        return found

    async def write(
        self, topic: str, partition: int, start: int, end: int, records: Sequence[RowRecord]
    ) -> Written:
        """Write all and move the offset, or raise `SinkFencedError` and change nothing."""
        birth = self._births.get((topic, partition), "")
        if self.tables.offsets.get((topic, partition)) != (birth, start):
            raise SinkFencedError(f"{topic}/{partition} is not at offset {start}")
        fold = Fold.of(records)
        self.tables.offsets[topic, partition] = (birth, end)
        self._merge(fold)
        known = {event for event, line in fold.log.items() if line.message_id in self.tables.messages}
        for event in known:
            self.tables.log.setdefault(event, fold.log[event])
        return Written(len(fold.requests), len(fold.messages), len(known), orphans=len(fold.log) - len(known))

    def _merge(self, fold: Fold) -> None:
        for key, decided in fold.requests.items():
            before = self.tables.requests.setdefault(key, decided)
            if replaces(decided, before):
                self.tables.requests[key] = decided
        for message_id, row in fold.messages.items():
            standing = self.tables.messages.setdefault(message_id, row)
            if standing.version < row.version:
                self.tables.messages[message_id] = row
        self._merge_others(fold)

    def _merge_others(self, fold: Fold) -> None:
        for name, changed in fold.labels.items():
            if self.tables.labels.setdefault(name, changed).label.version < changed.label.version:
                self.tables.labels[name] = changed
        for name, bucket in fold.stats.items():
            if self.tables.stats.setdefault(name, bucket).version < bucket.version:
                self.tables.stats[name] = bucket
        for person in fold.erased:
            self._erase(person)

    def _erase(self, person: PersonErased) -> None:
        """Of the life that ended; what statistics count stays."""
        for key, decided in self.tables.requests.items():
            if decided.user_id == person.user_id and decided.received_at <= person.erased_at:
                self.tables.requests[key] = replace(decided, user_id=NOBODY, idempotency_key="", value=None)
        for message_id, row in self.tables.messages.items():
            if row.user_id == person.user_id and row.created_at <= person.erased_at:
                self.tables.messages[message_id] = replace(
                    row, user_id=NOBODY, recipient=b"", payload=b"{}", idempotency_key="", detail=None
                )
