"""The ledger: one JSON line per call, written before the call is answered, so that it outlives every kill.

It is also the fake's memory: what was taken under which idempotency key, and how often a key came.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the outside saw it. `at`: milliseconds, UTC.

    taken     the message would reach its recipient because of this call
    repeat    the key had been taken before and the vendor honours keys: answered again, not sent again
    answered  false when the answer was withheld on purpose (the caller may still miss one that was given)
    """

    seq: int
    at: int
    channel: str
    account: str
    recipient: str
    message_id: str
    epoch: int | None
    idempotency_key: str
    verdict: str
    taken: bool
    repeat: bool
    answered: bool
    provider_message_id: str


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


class Ledger:
    """Appends lines to a file (none: only memory) and answers by idempotency key. Reads an old file first."""

    def __init__(self, path: Path | None) -> None:
        self._taken: dict[str, Line] = {}
        self._times: dict[str, int] = {}
        self.calls = 0
        self._file = -1
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._read(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, line: Line) -> None:
        """Append and remember; the line is with the operating system when this returns."""
        if self._file >= 0:
            os.write(self._file, _ENCODER.encode(line) + b"\n")
        self._remember(line)

    def taken(self, idempotency_key: str) -> Line | None:
        """Return the call under which this key was taken first."""
        return self._taken.get(idempotency_key)

    def times(self, idempotency_key: str) -> int:
        """Return how many calls carried this key."""
        return self._times.get(idempotency_key, 0)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _read(self, path: Path) -> None:
        """Take up an earlier run's file; a last line cut off by a power failure is closed and passed over."""
        raw = path.read_bytes()
        for text in raw.split(b"\n"):
            try:
                self._remember(_DECODER.decode(text))
            except msgspec.DecodeError:
                continue
        if raw and not raw.endswith(b"\n"):
            path.write_bytes(raw + b"\n")

    def _remember(self, line: Line) -> None:
        self.calls = max(self.calls, line.seq)
        if not line.idempotency_key:
            return
        self._times[line.idempotency_key] = self.times(line.idempotency_key) + 1
        if line.taken:
            self._taken.setdefault(line.idempotency_key, line)
