"""W3C trace context: taken from the caller or begun here. The edge's one module with randomness."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLED = "01"
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class Trace(NamedTuple):
    """Our span in a trace, and the id of the request. Both travel in the headers of every record."""

    trace_id: str
    span_id: str
    flags: str
    request_id: str

    def headers(self) -> dict[str, bytes]:
        """Return what a Kafka record carries of it."""
        parent = f"00-{self.trace_id}-{self.span_id}-{self.flags}"
        return {"traceparent": parent.encode(), "request_id": self.request_id.encode()}


def traced(headers: Mapping[str, str]) -> Trace:
    """Continue the caller's trace or begin one. The request id: the caller's uuid, else the trace id."""
    fresh = secrets.token_hex(24)
    found = _PARENT.fullmatch(headers.get("traceparent", ""))
    if found and found[1] != _NO_TRACE and found[2] != _NO_SPAN:
        trace_id, flags = found[1], found[3]
    else:
        trace_id, flags = fresh[:32], SAMPLED
    given = headers.get("X-Request-Id", "")
    return Trace(trace_id, fresh[32:], flags, given.lower() if _UUID.fullmatch(given) else _uuid(trace_id))


def new_id() -> str:
    """An id for what nobody gave a key: a UUID of version 4."""
    h = secrets.token_hex(16)
    return _uuid(f"{h[:12]}4{h[13:16]}{_VARIANT[h[16]]}{h[17:]}")


def _uuid(h: str) -> str:
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
