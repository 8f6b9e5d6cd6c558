"""Dead letters: what could not be read or made our own code fail, with everything needed to send it again (rule 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.engine.outputs import Outputs, TooLargeError

if TYPE_CHECKING:
    from streams.engine.api import Event, Headers

SUFFIX = ".dlq"
PREFIX = "dlq-"
STACK_BYTES = 8_192
REASON_BYTES = 1_024


def topic_of(source: str) -> str:
    """Where the dead letters of an input topic go."""
    return source + SUFFIX


def headers_of(event: Event, stage: str, reason: str, stack: str) -> Headers:
    """Why and whence, after the record's own headers."""
    own = tuple(header for header in event.raw_headers if not header[0].startswith(PREFIX))
    return (
        *own,
        (PREFIX + "stage", stage.encode()),
        (PREFIX + "reason", reason.encode()[:REASON_BYTES]),
        (PREFIX + "stack", stack.encode()[-STACK_BYTES:]),
        (PREFIX + "topic", event.topic.encode()),
        (PREFIX + "partition", str(event.partition).encode()),
        (PREFIX + "offset", str(event.offset).encode()),
    )


def append(outputs: Outputs, event: Event, where: tuple[str, int], headers: Headers) -> None:
    """Write the dead letter; a record that even its dead-letter topic cannot take leaves a stub without its value."""
    topic, partition = where
    key = event.key or None
    try:
        outputs.append(topic, partition, key, event.raw or b"", event.at, headers)
    except TooLargeError as error:
        stub = (*headers[-6:], (PREFIX + "stub", str(error).encode()))
        outputs.append(topic, partition, None, b"", event.at, stub)
