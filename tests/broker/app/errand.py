"""An app of the `errands` scenario, from the test's side."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.broker.app.ledger import create_topics, read_until, write
from tests.broker.app.process import AppProcess


class Errand:
    """One app of the `errands` scenario: its workers, inputs, outputs, and the outside's ledger."""

    def __init__(self, bootstrap: str, app: str, folder: Path, partitions: int = 1) -> None:
        self.bootstrap = bootstrap
        self.app = app
        self.folder = folder
        self.partitions = partitions
        self.params: dict[str, Any] = {"folder": str(folder)}

    async def worker(self, name: str = "w1", **config: Any) -> AppProcess:
        """A worker of the app; a static id gives a killed one its task back at once."""
        inputs = [*self.params.get("inputs", ["in"]), *self.params.get("notices", [])]
        names = (*inputs, "in.dlq", "out", "narrow", "errands.changelog", "errands.dlq")
        await create_topics(self.bootstrap, self.partitions, *(f"{self.app}.{name}" for name in names))
        settings = {"static_id": True} | config
        return AppProcess(
            self.bootstrap, self.app, name, self.folder, "errands", config=settings, params=self.params
        )

    async def ask(self, *words: bytes, topic: str = "in") -> None:
        """Write errands, partition by partition."""
        rows = ((b"user-%d" % (number % self.partitions), word) for number, word in enumerate(words))
        await self.ask_as(rows, topic)

    async def ask_as(self, rows: Iterable[tuple[bytes, bytes]], topic: str = "in") -> None:
        """Write errands of given users."""
        await write(self.bootstrap, f"{self.app}.{topic}", self.partitions, rows)

    async def heard(self, count: int) -> list[bytes]:
        """Outputs, partition by partition, once there are that many."""
        rows = await read_until(self.bootstrap, f"{self.app}.out", lambda rows: len(rows) >= count)
        return [row.value or b"" for row in rows]

    async def heard_of(self, *wanted: bytes) -> None:
        """Wait until all of these have come out."""
        topic, words = f"{self.app}.out", set(wanted)
        rows = await read_until(self.bootstrap, topic, lambda rows: words <= {row.value for row in rows})
        assert words <= {row.value for row in rows}

    def calls(self, what: bytes = b"begin") -> list[bytes]:
        """What the outside saw: `worker id`, call by call."""
        ledger = self.folder / "calls"
        lines = ledger.read_bytes().splitlines() if ledger.exists() else []
        return [line.split(b" ", 1)[1] for line in lines if line.startswith(what)]

    def let_go(self) -> None:
        """Hanging calls end now."""
        (self.folder / "go").touch()
