"""The shapes of the input file: one JSON object per line, in the order in which it is fed.

`phase`: a line is fed only after all lines of earlier phases were consumed, because facts about users and
requests to them travel on different topics. `to`: `kafka` (topic, key, headers, `value` or `raw`) or `http`
(path, headers, `body` or `raw`). `scheduled_in_s`: the feeder writes `scheduled_at` into the value, so many
seconds after the moment of feeding.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from examples.cast import new_id

Line = dict[str, Any]
SEND_TOPIC = "notification.send.request"
SEEN_PATH = "/4.0/mark-notify/v1/seen"
PRODUCERS = {
    "user": "account-service",
    "payment": "payment-service",
    "auth": "auth-service",
    "social": "social-service",
    "library": "library-service",
    "download": "download-service",
    "developer": "developer-service",
    "admin": "admin-service",
}


@dataclass(frozen=True, slots=True)
class Author:
    """Writes lines of one phase with ids from the seed."""

    rng: Random
    phase: int

    def event(self, event_type: str, user_id: str, data: Line, headers: dict[str, str] | None = None) -> Line:
        """A domain event as its service writes it (NS-EVT-004), with `event_id` and `source` as headers."""
        service = event_type.split(".", 1)[0]
        return {
            "phase": self.phase,
            "to": "kafka",
            "topic": f"{service}.events",
            "key": data["order_id"] if service == "payment" else user_id,
            "headers": {"source": PRODUCERS[service], "event_id": new_id(self.rng)} | (headers or {}),
            "value": {"event_type": event_type, "user_id": user_id, "data": data},
        }

    def request(self, user_id: str, notification_type: str, data: Line, source: str) -> Line:
        """A send request (NS-EVT-002); two of three name their request id."""
        headers = {"source": source}
        if self.rng.random() < 0.66:
            headers["request_id"] = new_id(self.rng)
        key = f"{notification_type}-{self.rng.getrandbits(48):012x}"
        value: Line = {
            "user_id": user_id,
            "notification_type": notification_type,
            "data": data,
            "idempotency_key": key,
        }
        return {
            "phase": self.phase,
            "to": "kafka",
            "topic": SEND_TOPIC,
            "key": user_id,
            "headers": headers,
            "value": value,
        }

    def raw(self, topic: str, text: str) -> Line:
        """A record whose bytes are no valid message of the topic."""
        headers = {"source": "careless-service"}
        return {
            "phase": self.phase,
            "to": "kafka",
            "topic": topic,
            "key": new_id(self.rng),
            "headers": headers,
            "raw": text,
        }

    def seen(self, body: Line, identity: dict[str, str]) -> Line:
        """A seen post (SEEN-050); identity headers count only with the gateway's secret (SEEN-OP-09)."""
        return {"phase": self.phase, "to": "http", "path": SEEN_PATH, "headers": identity, "body": body}


def with_value(line: Line, **changed: Any) -> Line:
    """The same line with other fields in its value."""
    return line | {"value": line["value"] | changed}


def with_headers(line: Line, **changed: str) -> Line:
    """The same line with other headers."""
    return line | {"headers": line["headers"] | changed}
