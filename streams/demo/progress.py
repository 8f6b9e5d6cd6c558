"""How far the demo has come, as bars on a terminal and as plain lines elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_EVERY_S = 2.0


class Goal(msgspec.Struct, frozen=True):
    """How much must come out: what `examples/books.py --expect` prints."""

    requests: int
    messages: int
    dead: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What has happened so far."""

    fed: int = 0
    requests: int = 0
    messages: int = 0
    ended: int = 0

    def is_done(self, goal: Goal) -> bool:
        """All requests decided, all messages there and none waiting."""
        return self.requests >= goal.requests and goal.messages <= self.messages == self.ended


def plain(standing: Standing, lines: int, goal: Goal, seconds: float) -> str:
    """One line of progress."""
    return (
        f"{seconds:5.1f} s  fed {standing.fed}/{lines}  requests decided {standing.requests}/{goal.requests}"
        f"  messages ended {standing.ended}/{goal.messages}"
    )


class Display(Protocol):
    """Shows standings; a context manager."""

    def show(self, standing: Standing, seconds: float) -> None:
        """Take in how far it is, `seconds` after the start."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Lines:
    """A plain line every two seconds, and when something is complete."""

    def __init__(self, console: Console, lines: int, goal: Goal) -> None:
        self._console = console
        self._lines = lines
        self._goal = goal
        self._last = ""
        self._next_s = 0.0

    def show(self, standing: Standing, seconds: float) -> None:
        text = plain(standing, self._lines, self._goal, seconds)
        if (seconds >= self._next_s or standing.is_done(self._goal)) and text != self._last:
            self._console.print(text, highlight=False)
            self._last, self._next_s = text, seconds + PLAIN_EVERY_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class Bars:
    """Three bars on a terminal."""

    def __init__(self, console: Console, lines: int, goal: Goal) -> None:
        columns = (
            TextColumn("{task.description:18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._fed = self._progress.add_task("fed", total=lines)
        self._requests = self._progress.add_task("requests decided", total=goal.requests)
        self._messages = self._progress.add_task("messages ended", total=goal.messages)

    def show(self, standing: Standing, seconds: float) -> None:
        del seconds  # the bars have their own column of it
        self._progress.update(self._fed, completed=standing.fed)
        self._progress.update(self._requests, completed=standing.requests)
        self._progress.update(self._messages, completed=standing.ended)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def display(console: Console, lines: int, goal: Goal) -> Display:
    """What fits the console."""
    return Bars(console, lines, goal) if console.is_terminal else Lines(console, lines, goal)
