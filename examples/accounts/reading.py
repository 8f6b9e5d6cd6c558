"""The input file and the reference data, read afresh: nothing here comes from the product's rooms.

What counts as readable follows the spec's message formats (NS-EVT-002, NS-EVT-004, NS-EVT-OP-02) and the
widths of its columns (NS-DATA).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

Line = dict[str, Any]
SEND_TOPIC = "notification.send.request"
LONGEST_NAME, LONGEST_KEY, DEEPEST = 100, 255, 32
CHANNELS = ("email", "sms", "push", "in_app")
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Reference data by name."""

    types: dict[str, Line]
    rules: dict[tuple[str, str], Line]
    templates: dict[tuple[str, str, str], Line]
    tags: dict[str, Line]


def _entries(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def catalogue(folder: Path) -> Catalogue:
    """Everything in a folder like `examples/`."""
    templates = [_entries(path) for path in sorted((folder / "templates").glob("*.yaml"))]
    return Catalogue(
        types={entry["code"]: entry for entry in _entries(folder / "types.yaml")},
        rules={(entry["topic"], entry["event_type"]): entry for entry in _entries(folder / "rules.yaml")},
        templates={(t["name"], t["channel_type"], t["language_code"]): t for t in templates},
        tags={entry["tag"]: entry for entry in _entries(folder / "seen.yaml")},
    )


def numbered(path: Path) -> list[tuple[int, Line]]:
    """Lines of the input file with their numbers, from 1: the number is the header `line` of what was fed."""
    with path.open(encoding="utf-8") as file:
        return [(number, json.loads(text)) for number, text in enumerate(file, start=1)]


def message(line: Line) -> Line | None:
    """The message in a Kafka line, or None when nobody could make sense of its bytes."""
    value = line.get("value")
    if "raw" in line:
        try:
            value = json.loads(line["raw"])
        except ValueError:
            return None
    if not isinstance(value, dict) or not isinstance(value.get("data", {}), dict) or not _is_clean(value, 0):
        return None
    if not is_uuid(value.get("user_id")) or not (_is_request if line["topic"] == SEND_TOPIC else _is_event)(
        value
    ):
        return None
    return {"data": {}} | value | {"user_id": value["user_id"].lower()}


def _is_request(value: Line) -> bool:
    is_named = _is_text(value.get("notification_type"), LONGEST_NAME)
    return is_named and _is_text(value.get("idempotency_key"), LONGEST_KEY)


def _is_event(value: Line) -> bool:
    data = value.get("data", {})
    channels = data.get("allowed_channels", [])
    is_choice = isinstance(channels, list) and all(channel in CHANNELS for channel in channels)
    return (
        _is_text(value.get("event_type"), LONGEST_NAME)
        and is_choice
        and isinstance(data.get("devices", []), list)
    )


def _is_text(text: object, longest: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= longest


def _is_clean(value: Any, depth: int) -> bool:
    """No NUL character (Postgres cannot store it), not nested without end."""
    if isinstance(value, str):
        return "\0" not in value
    inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    if not isinstance(inner, list):
        return True
    return depth < DEEPEST and all(_is_clean(item, depth + 1) for item in inner)


def is_uuid(text: object) -> bool:
    """Whether a text is a uuid in its usual form."""
    try:
        return isinstance(text, str) and str(UUID(text)) == text.lower()
    except ValueError:
        return False


def fits(template: Line, variables: Line) -> bool:
    """Whether a template gets every variable it requires, in the declared type (NS-TPL-OP-06)."""
    for name, wanted in template["variables"].items():
        given = variables.get(name)
        if given is None and wanted["required"]:
            return False
        if given is not None and not isinstance(given, JSON_TYPES[wanted["type"]]):
            return False
    return True


def at(data: Line, path: str) -> Any:
    """The value at a dotted path, None when there is none."""
    found: Any = data
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found
