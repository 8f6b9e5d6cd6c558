"""What is seen while the bench runs: a live line on a terminal, plain lines elsewhere; tables."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.sections import Row, Section

PLAIN_WIDTH = 180


class Screen:
    """Where the bench talks to."""

    def __init__(self, sections: int, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live = self._console.is_terminal
        if not self._live:
            self._console.width = PLAIN_WIDTH
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._live,
            transient=True,
        )
        self._task = self._progress.add_task("", total=sections)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """What is being done now."""
        if self._live:
            self._progress.update(self._task, description=text)
        else:
            self._console.print(text)

    def begin(self, section: Section) -> None:
        """A section is measured now."""
        self.say(section.title)

    def show(self, section: Section, rows: list[Row]) -> None:
        """A section's table."""
        table = Table(
            title=section.title, title_justify="left", caption=section.about, caption_justify="left"
        )
        for column in section.columns:
            table.add_column(column.title, justify="left" if column.form == "{}" else "right")
        for row in rows:
            table.add_row(*(column.shown(row) for column in section.columns))
        self._console.print(table)
        self._progress.advance(self._task)
