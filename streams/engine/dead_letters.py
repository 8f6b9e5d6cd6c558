"""Dead letters: what could not be read or made our own code fail, ready to be sent again (design rule 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from streams.engine.inner import EFFECT
from streams.engine.outputs import Outputs, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streams.engine.api import Event, Headers
    from streams.engine.batch import Buried
    from streams.engine.refusals import Refusals

log = structlog.get_logger("engine.dead_letters")

SUFFIX = ".dlq"
PREFIX = "dlq-"
STACK_BYTES = 8_192
REASON_BYTES = 1_024


def topic_of(source: str) -> str:
    """Where the dead letters of an input topic go."""
    return source + SUFFIX


@dataclass(frozen=True, slots=True)
class Grave:
    """What a task lends to its burials. `topic`: for timers and results, which have no input; `now`: ms."""

    stage: str
    number: int
    topic: str
    now: int
    partitions: Callable[[str], int]
    refusals: Refusals


@dataclass(frozen=True, slots=True)
class Letter:
    """The record as it came, our headers after its own, and in `stub` why it goes without its value."""

    event: Event
    headers: Headers
    at: int
    stub: str = ""


def letter(buried: Buried, stage: str, now: int, stub: str = "") -> Letter:
    """Why and whence; of an effect also its result, in words (the value is its call). `now`: ms.

    No later than `now`: a broker refuses records of the future, and a dead letter must never be refused.
    """
    event, reason, stack = buried
    found = {
        "stage": _cut(stage, REASON_BYTES),
        "reason": _cut(reason, REASON_BYTES),
        "stack": _cut(stack, STACK_BYTES, from_end=True),
        "topic": event.topic.encode(),
        "partition": str(event.partition).encode(),
        "offset": str(event.offset).encode(),
    }
    if event.key.startswith(EFFECT) and not event.topic:
        found["result"] = _cut(_in_words(event.value), STACK_BYTES)
    own = tuple(header for header in event.raw_headers if not header[0].startswith(PREFIX))
    ours = tuple((PREFIX + name, content) for name, content in found.items())
    return Letter(event, (*own, *ours), min(max(event.at, 0), now), stub)


def append(outputs: Outputs, dead: Letter, where: tuple[str, int]) -> None:
    """Write it; what even its dead-letter topic cannot take leaves a stub without value and own headers."""
    topic, partition = where
    event, stub = dead.event, dead.stub
    if not stub:
        try:
            raw = event.raw if event.key else event.raw or b""
            outputs.append(topic, partition, event.key or None, raw, dead.at, dead.headers)
        except TooLargeError as error:
            stub = str(error)
        else:
            return
    ours = tuple(header for header in dead.headers if header[0].startswith(PREFIX))
    why = (PREFIX + "stub", _cut(stub, REASON_BYTES))
    outputs.append(topic, partition, None, b"", dead.at, (*ours, why))


def bury(dead: Iterable[Buried], outputs: Outputs, task: Grave) -> None:
    """Write a letter for each; their topics take the task's number modulo their own counts."""
    for buried in dead:
        event, reason, stack = buried
        topic = topic_of(event.topic) if event.topic else task.topic
        where = (topic, max(event.partition, task.number) % task.partitions(topic))
        append(outputs, letter(buried, task.stage, task.now, task.refusals.of_letter(event)), where)
        log.warning("dead_letter", stage=task.stage, origin=event.origin, reason=reason, defect=bool(stack))


def _cut(text: str, most: int, *, from_end: bool = False) -> bytes:
    """Whole characters of at most `most` bytes. Bad input can make text that has no UTF-8 form."""
    raw = text.encode(errors="backslashreplace")
    return (raw[-most:] if from_end else raw[:most]).decode(errors="ignore").encode()


def _in_words(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=repr).decode()
    except (TypeError, ValueError, msgspec.MsgspecError):
        return repr(value)
