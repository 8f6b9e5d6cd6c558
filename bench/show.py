"""What is seen while the bench runs: a live line on a terminal, plain lines elsewhere; tables."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from bench.sections import Row, Table

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

    def begin(self, table: Table) -> None:
        """A table's figures are measured now."""
        self.say(table.title)

    def show(self, table: Table, rows: list[Row]) -> None:
        """A table that has been measured."""
        grid = Grid(title=table.title, title_justify="left", caption=table.about, caption_justify="left")
        for column in table.columns:
            grid.add_column(column.title, justify="left" if column.form == "{}" else "right")
        for row in rows:
            grid.add_row(*(column.shown(row) for column in table.columns))
        self._console.print(grid)
        self._progress.advance(self._task)
