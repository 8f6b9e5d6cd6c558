"""Finding the event whose output the broker refuses: it is buried, and nothing else is lost (rule 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.engine.api import StageFailedError, Unreadable

if TYPE_CHECKING:
    from streams.engine.api import Event, Stage

MOST_REFUSALS = 2
"""Refused alone, an event is buried; refused as a dead letter too, it leaves a stub; then nothing helps."""


class Refusals:
    """Halves what is refused, and then what is left of it, until one event is refused alone."""

    def __init__(self, stage: Stage) -> None:
        """`at_most`: how many events the next batch may hold."""
        self._stage = stage
        self._attempted: list[Event] = []
        self._refused: dict[tuple[str, int, int, bytes], list[str]] = {}
        self._suspects = 0
        self.at_most = stage.max_batch

    def attempt(self, events: list[Event]) -> None:
        """These events are about to be committed together."""
        self._attempted = events

    def note(self, reason: str) -> None:
        """The broker refused what was attempted; `StageFailedError` when not even a stub is taken."""
        if not self._attempted:
            return
        self._suspect(len(self._attempted))
        if len(self._attempted) > 1:
            return
        reasons = self._refused.setdefault(_place(self._attempted[0]), [])
        reasons.append(reason)
        if len(reasons) > MOST_REFUSALS:
            raise StageFailedError(f"stage {self._stage.name}: even its dead letters are refused: {reason}")

    def passed(self) -> None:
        """What was attempted is committed."""
        self._suspect(max(self._suspects - len(self._attempted), 0))
        if self._refused:
            for event in self._attempted:
                self._refused.pop(_place(event), None)
        self._attempted = []

    def _suspect(self, count: int) -> None:
        """One of the next `count` events is refused; with none, batches are as large as they may be."""
        self._suspects = count
        self.at_most = max(count // 2, 1) if count else self._stage.max_batch

    def marked(self, events: list[Event]) -> list[Event]:
        """The same events; those that were refused alone are no more to be read, only to be buried."""
        for event in events if self._refused else ():
            reasons = self._refused.get(_place(event))
            if reasons:
                event.value = Unreadable(f"output refused by the broker: {reasons[0]}")
        return events

    def of_letter(self, event: Event) -> str:
        """Why even the event's dead letter was refused, empty when it was not."""
        reasons = self._refused.get(_place(event), [])
        return reasons[1] if len(reasons) > 1 else ""


def _place(event: Event) -> tuple[str, int, int, bytes]:
    return event.topic, event.partition, event.offset, b"" if event.topic else event.key
