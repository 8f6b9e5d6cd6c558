"""The sink: whole batches of the topic `rows` into Postgres, exactly once (NS-SND-OP-08, NS-DATA-OP-18).

The offset moves in the same transaction as the rows, and only from where this writer left it: a writer that
was replaced while it slept changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from connectors.cipher import CipherError, MissingKeyError
from connectors.postgres import device_columns, preference_columns
from connectors.postgres.erasing import erase
from connectors.postgres.errors import RowsRefusedError, SinkFencedError, translated
from connectors.postgres.named import named_queries
from connectors.postgres.row_columns import (
    Fold,
    label_columns,
    log_columns,
    mended,
    message_columns,
    request_columns,
)
from connectors.postgres.stats_columns import stats_columns
from schemas.errors import UnopenedError
from schemas.records import MessageRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.postgres.database import Connection, Database
    from connectors.postgres.persons import Opener
    from connectors.postgres.row_columns import RowRecord

ONE_ROW = "UPDATE 1"
NOTHING = b"{}"


@dataclass(frozen=True, slots=True)
class _Batch:
    topic: str
    partition: int
    birth: str
    start: int
    end: int
    records: Sequence[RowRecord]


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch became. `orphans`: lines whose message is not here (any longer), not written."""

    requests: int
    messages: int
    log_lines: int
    orphans: int = 0
    refused: int = 0


def clear(record: RowRecord, cipher: Opener | None) -> RowRecord:
    """A message's row with its data in clear; without them where their key is withdrawn.

    `MissingKeyError` when the key is merely missing here: the row waits for it. Bytes that nobody sealed stay
    as they are: the database refuses them, and the row is kept aside.
    """
    if cipher is None or not isinstance(record, MessageRow) or record.payload.startswith(b"{"):
        return record
    try:
        return replace(record, payload=cipher.open(record.payload))
    except UnopenedError:
        return replace(record, payload=NOTHING)
    except MissingKeyError:
        raise
    except CipherError:
        return record


class RowWriter:
    """Writes for one application; used by all tasks of a process at once."""

    def __init__(self, database: Database, app: str, cipher: Opener | None = None) -> None:
        """`cipher` opens what messages were rendered with; without it rows are taken for clear."""
        self._database = database
        self._cipher = cipher
        self._app = app
        self._births: dict[tuple[str, int], str] = {}
        self._query = named_queries("rows")

    async def open_task(self, topic: str, partition: int, start: int, birth: str = "") -> int:
        """Give the offset to go on from; `start` for a partition never written or of another birth.

        `birth` names this very topic: one made anew under the same name has another. It holds for the writes
        that follow. `PostgresUnavailableError`: try again later.
        """
        where = (self._app, topic, partition, birth, start)
        async with self._database.transaction() as connection:
            found: int = await connection.fetchval(self._query["open_offset"], *where)
        self._births[topic, partition] = birth
        return found

    async def move_task(self, topic: str, partition: int, following: int) -> None:
        """Go on from `following`, whatever was written: an operator's decision while no writer runs."""
        async with self._database.transaction() as connection:
            where = (self._app, topic, partition, following)
            await connection.execute(self._query["move_offset"], *where)

    async def write(
        self, topic: str, partition: int, start: int, end: int, records: Sequence[RowRecord]
    ) -> Written:
        """Write the records of offsets `start` to `end` (exclusive) and move the offset, or nothing at all.

        `SinkFencedError`: the offset is not at `start`; open the task again. `PostgresUnavailableError`: the
        outcome is unknown; open the task again, it tells. Both never mean that the records are at fault.
        """
        birth = self._births.get((topic, partition), "")
        batch = _Batch(topic, partition, birth, start, end, [clear(one, self._cipher) for one in records])
        try:
            async with self._database.transaction() as connection:
                await self._advance(connection, batch)
                return await self._write_fold(connection, Fold.of(batch.records))
        except RowsRefusedError:
            return await self._write_one_by_one(batch)

    async def _advance(self, connection: Connection, batch: _Batch) -> None:
        """The first step of every transaction that writes rows."""
        await connection.execute(self._query["plan_once"])
        where = (self._app, batch.topic, batch.partition, batch.birth, batch.start, batch.end)
        if await connection.execute(self._query["advance_offset"], *where) != ONE_ROW:
            place = f"{batch.topic}/{batch.partition}"
            raise SinkFencedError(f"{place} is not at offset {batch.start}: another writer has taken it over")

    async def _write_fold(self, connection: Connection, fold: Fold) -> Written:
        found = 0
        if fold.requests:
            columns = request_columns(list(fold.requests.values()))
            await connection.execute(self._query["write_requests"], *columns)
        if fold.messages:
            columns = message_columns(list(fold.messages.values()))
            await connection.execute(self._query["write_messages"], *columns)
        if fold.log:
            columns = log_columns(list(fold.log.values()))
            found = await connection.fetchval(self._query["write_log"], *columns)
        if fold.labels:
            await connection.execute(self._query["write_labels"], *label_columns(list(fold.labels.values())))
        if fold.stats:
            await connection.execute(self._query["write_stats"], *stats_columns(list(fold.stats.values())))
        told = (preference_columns.statements(fold.preferences), device_columns.statements(fold.devices))
        for name, columns in chain(*told):
            if columns:
                await connection.execute(self._query[name], *columns)
        await erase(connection, fold.erased)
        return Written(len(fold.requests), len(fold.messages), found, orphans=len(fold.log) - found)

    async def _write_one_by_one(self, batch: _Batch) -> Written:
        """Write a batch that was refused as a whole: each record mended, or kept aside if that is no help."""
        done: list[Written] = []
        async with self._database.transaction() as connection:
            await self._advance(connection, batch)
            for record in batch.records:
                try:
                    async with connection.transaction():
                        done.append(await self._write_fold(connection, Fold.of([mended(record)])))
                except Exception as error:
                    refusal = translated(error)
                    if not isinstance(refusal, RowsRefusedError):
                        raise
                    await self._keep(connection, batch, record, str(refusal))
                    done.append(Written(0, 0, 0, refused=1))
        return Written(
            requests=sum(one.requests for one in done),
            messages=sum(one.messages for one in done),
            log_lines=sum(one.log_lines for one in done),
            orphans=sum(one.orphans for one in done),
            refused=sum(one.refused for one in done),
        )

    async def _keep(self, connection: Connection, batch: _Batch, record: RowRecord, error: str) -> None:
        text = msgspec.json.encode(mended(record)).decode()
        where = (self._app, batch.topic, batch.partition, batch.start)
        await connection.execute(self._query["keep_refusal"], *where, type(record).__name__, text, error)
