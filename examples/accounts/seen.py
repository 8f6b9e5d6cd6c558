"""Which seen facts must reach which topic (SEEN-OP-03, SEEN-OP-08, SEEN-OP-10, SEEN-OP-12, SEEN-OP-14)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Line = dict[str, Any]
LONGEST_TAG, LONGEST_ID = 64, 256
UNKNOWN = "seen.unknown"


def fact_id(kind: str, tag: str, name: str, user: dict[str, Any] | None) -> str:
    """What tells one fact from another, as text."""
    return json.dumps([kind, tag, name, user], sort_keys=True)


@dataclass(slots=True)
class Views:
    """Takes posts in order; `facts` holds what each destination topic must get."""

    tags: dict[str, Line]
    facts: dict[str, Counter[str]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def post(self, line: Line) -> None:
        """One post. A refused one leaves nothing."""
        body = line["body"]
        if "raw" in line or not _is_valid(body):
            return
        kind, user, device = identity(line["headers"])
        fact = fact_id(kind, body["tag"], body["id"], user)
        mark = fact_id(kind, body["tag"], body["id"], user or device)
        tag = self.tags.get(body["tag"])
        if tag is None:
            self._count(UNKNOWN, fact)
        elif tag.get("is_enabled", True) and not ((user or device) and mark in self.known):
            for destination in tag["destinations"]:
                self._count(destination, fact)
            self.known.add(mark)

    def _count(self, topic: str, fact: str) -> None:
        self.facts.setdefault(topic, Counter())[fact] += 1


def _is_valid(body: Line) -> bool:
    limits = {"tag": LONGEST_TAG, "id": LONGEST_ID}
    return all(
        isinstance(body.get(name), str) and 0 < len(body[name]) <= limit for name, limit in limits.items()
    )


def identity(headers: dict[str, str]) -> tuple[str, dict[str, Any] | None, dict[str, Any] | None]:
    """Who saw it, and on which device if nobody knows who: headers count only with the gateway's secret."""
    if "X-Gateway-Secret" not in headers:
        return "unauthorized", None, None
    if "X-Auth-Kind" not in headers:
        return "unauthorized", None, {"device_id": headers["X-Device-Id"]}
    if headers.get("X-Auth-Kind") == "driver":
        return "driver", {"db_id": headers["X-Driver-Db-Id"], "uuid": headers["X-Driver-Uuid"]}, None
    user: dict[str, Any] = {"user_id": headers["X-User-Id"], "uid": None, "bound_uids": [], "phone_id": None}
    return "client", user, None
