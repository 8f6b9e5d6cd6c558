"""An effect whose intent is committed, from then until its result is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from streams.engine.api import NotYet, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.engine.api import Headers


def readable(decode: Callable[[bytes], Any], payload: bytes) -> Any:
    """The call of an open effect, or `Unreadable`; `NotYet` while its schema is unknown."""
    try:
        return decode(payload)
    except NotYet:
        raise
    except Exception as error:  # noqa: BLE001 - it is buried with its reason
        return Unreadable(f"an open effect: {type(error).__name__}: {error}")


class Intent(NamedTuple):
    """An effect about to be committed. `cause`: id of the effect whose result it follows from, if any.

    `payload`: its call as it is recorded.
    """

    effect_id: bytes
    call: Any
    headers: Headers
    payload: bytes
    cause: bytes = b""


class Waiting:
    """An effect whose intent is committed. `begun`: it may have been called; `dropped`: nobody asks.

    `doubted`: a notice came since that may forbid it. `lapsed`: it was not called, and keeps its place before
    later ones of its key until that is handled.
    """

    __slots__ = (
        "begun",
        "call",
        "doubted",
        "dropped",
        "effect_id",
        "headers",
        "key",
        "lapsed",
        "payload",
        "since",
        "urgent",
    )

    def __init__(self, intent: Intent, key: bytes, since: float, *, urgent: bool) -> None:
        """`since`: monotonic seconds, which go on while the process is stopped."""
        self.effect_id, self.call, self.headers, self.payload, _ = intent
        self.key = key
        self.since = since
        self.urgent = urgent
        self.begun = False
        self.dropped = self.doubted = False
        self.lapsed = False
