"""What an HTTP process knows of labels and of requests: `audience.labels`, read whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemas import topics as t
from schemas.records import AudienceLabel, RequestProgress

if TYPE_CHECKING:
    from collections.abc import Callable


class LabelBook:
    """Labels and progress of requests. `unfinished`: when those with users left were accepted (ms)."""

    def __init__(self) -> None:
        self.labels: dict[str, AudienceLabel] = {}
        self.requests: dict[str, RequestProgress] = {}
        self.unfinished: dict[str, int] = {}
        self._label = msgspec.json.Decoder(AudienceLabel)
        self._request = msgspec.json.Decoder(RequestProgress)

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the topic in; a kind this version does not know is passed over."""
        kind, _, name = key.decode().partition(":")
        if f"{kind}:" == t.LABEL_KEY:
            if value is None:
                self.labels.pop(name, None)
            else:
                self.labels[name] = self._label.decode(value)
        elif f"{kind}:" == t.REQUEST_KEY:
            self.unfinished.pop(name, None)
            if value is None:
                self.requests.pop(name, None)
            else:
                progress = self.requests[name] = self._request.decode(value)
                if accepted_at := _still_open(progress):
                    self.unfinished[name] = accepted_at

    def oldest_s(self, now_ms: Callable[[], int]) -> float:
        """How long ago the oldest request with users left was accepted; 0.0: there is none.

        Asked from another thread: the values are copied in one step of the interpreter.
        """
        since = list(self.unfinished.values())
        return max(0.0, (now_ms() - min(since)) / 1000) if since else 0.0


def _still_open(progress: RequestProgress) -> int:
    """When it was accepted, if it has users left; else 0."""
    left = sum(count.total - count.processed - count.failed for count in progress.counts)
    return progress.accepted_at if left > 0 else 0
