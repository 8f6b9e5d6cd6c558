"""The input file of the demo: lines become Kafka records and HTTP posts. Pure; the feeder sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from schemas.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GATEWAY_SECRET = "$gateway_secret"  # noqa: S105 - the place of a secret, not one


@dataclass(frozen=True, slots=True)
class Post:
    """One HTTP request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Produced:
    """One Kafka record. The header `line` holds its number in the file, for the books."""

    topic: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, `number` from 1."""

    number: int
    given: Mapping[str, Any]

    @property
    def phase(self) -> int:
        """Lines of a phase are fed after all earlier phases were consumed."""
        return int(self.given["phase"])

    @property
    def is_post(self) -> bool:
        """Goes to the HTTP server, not to Kafka."""
        return bool(self.given["to"] == "http")

    def record(self, now: int) -> Produced:
        """The Kafka record. `now` (ms): from when `scheduled_in_s` counts."""
        key = self.given["key"]
        headers = {**self.given["headers"], "line": str(self.number)}
        return Produced(
            topic=self.given["topic"],
            key=key.encode() if key is not None else None,
            value=_bytes(self.given, self._value(now)),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )

    def _value(self, now: int) -> Any:
        value: Any = self.given.get("value")
        seconds = self.given.get("scheduled_in_s")
        return value if seconds is None else {**value, "scheduled_at": rfc3339(now + seconds * 1000)}

    def post(self, gateway_secret: str) -> Post:
        """The HTTP request, with the installation's secret in its place."""
        headers = {
            name: text.replace(GATEWAY_SECRET, gateway_secret) for name, text in self.given["headers"].items()
        }
        return Post(self.given["path"], headers, _bytes(self.given, self.given.get("body")))


def _bytes(given: Mapping[str, Any], value: Any) -> bytes:
    """Raw text as it is, anything else as JSON."""
    return given["raw"].encode() if "raw" in given else orjson.dumps(value)


def parse(texts: Iterable[bytes]) -> list[Line]:
    """Lines of an NDJSON file."""
    return [Line(number, orjson.loads(text)) for number, text in enumerate(texts, start=1)]
