"""The scenario of a sink (design rule 10)."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from streams.engine.api import Input, SinkFenced, Stage
from tests.broker.app.registry import Setting, scenario
from tests.broker.app.scenarios.errands import decode


class SqliteSink:
    """Rows in a file of SQLite, offsets beside them. `away` and `stop_inside` are files that say so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._births: dict[str, str] = {}
        self._db = sqlite3.connect(folder / "rows.db", isolation_level=None, timeout=30)
        self._db.execute("CREATE TABLE IF NOT EXISTS rows (id TEXT)")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS offsets"
            " (topic TEXT, part INT, birth TEXT, next INT, PRIMARY KEY (topic, part, birth))"
        )

    async def open_task(self, topic: str, partition: int, start: int, birth: str) -> int:
        """Next offset to read."""
        self._answer()
        self._births[topic] = birth
        where = (topic, partition, birth)
        self._db.execute("INSERT OR IGNORE INTO offsets VALUES (?, ?, ?, ?)", (*where, start))
        found = "SELECT next FROM offsets WHERE topic = ? AND part = ? AND birth = ?"
        (following,) = self._db.execute(found, where).fetchone()
        return int(following)

    async def write(self, topic: str, partition: int, start: int, end: int, values: list[Any]) -> None:
        """Rows and offset, or neither."""
        self._answer()
        if (self.folder / "stop_inside").exists():
            (self.folder / "stop_inside").unlink()
            os.kill(os.getpid(), 19)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            moved = self._db.execute(
                "UPDATE offsets SET next = ? WHERE topic = ? AND part = ? AND birth = ? AND next = ?",
                (end, topic, partition, self._births[topic], start),
            )
            if moved.rowcount != 1:
                raise SinkFenced(f"{topic}/{partition} is not at {start}")
            self._db.executemany("INSERT INTO rows VALUES (?)", [(value.decode(),) for value in values])
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _answer(self) -> None:
        if (self.folder / "away").exists():
            raise ConnectionError("the database is away")


@scenario
def sinking(setting: Setting) -> list[Stage]:
    """`in` → rows. Parameter: folder."""
    sink = SqliteSink(Path(setting.params["folder"]))
    return [Stage("sink", (Input(setting.topic("in"), decode),), sink=sink, min_interval_ms=5, max_batch=50)]
