"""The books, kept by a script of its own process that imports none of the rooms."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from streams.demo import report
from streams.demo.progress import Goal

if TYPE_CHECKING:
    from pathlib import Path

    from streams.demo.report import Report


class BooksFailedError(Exception):
    """The script ended without an answer; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Books:
    """Calls `examples/books.py`. `examples`: the folder; `scratch`: where the report may be written."""

    examples: Path
    scratch: Path

    async def goal(self) -> Goal:
        """How much must come out."""
        _, said = await self._run("--expect")
        try:
            return msgspec.json.decode(said, type=Goal)
        except msgspec.DecodeError as error:
            raise BooksFailedError(said) from error

    async def balance(self, bootstrap: str, dsn: str, ledger: Path) -> tuple[Report, str]:
        """What was found, and what the script said about it."""
        file = self.scratch / "books.json"
        file.unlink(missing_ok=True)
        where = ("--bootstrap", bootstrap, "--dsn", dsn, "--ledger", str(ledger), "--report", str(file))
        _, said = await self._run(*where)
        if not file.exists():
            raise BooksFailedError(said)
        return report.parse(file.read_bytes()), said

    async def _run(self, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"{self.examples.name}.books",
            "--input",
            str(self.examples / "requests.ndjson"),
            *arguments,
            cwd=self.examples.parent,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode("utf-8", "replace").strip()
