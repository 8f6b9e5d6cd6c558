"""A publish request with every field, and reference data that knows what it names."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from connectors.http.audience.bodies import PublishBody
from connectors.http.audience.reading import PublishReader
from connectors.http.audience.rules import Labelled, labelled
from connectors.http.problems import Code, ProblemError
from schemas.records import AudienceFilter, Communication, Experiment

READ = PublishReader()
GENERAL = {
    "communication_id": "comm-general",
    "start_date": "2025-06-01T00:00:00+03:00",
    "end_date": "2025-06-08T00:00:00+03:00",
    "ticket": "TASK-1",
}
PERSONAL = {
    "users": [
        {"id_type": "yandex_uid", "id": "4001"},
        {"id_type": "phone_id", "id": "5b2c"},
        {"id_type": "personal_phone_id", "id": "a1b2"},
        {"id_type": "device_id", "id": "d-77"},
    ],
    "communication_id": "comm-personal",
    "start_date": "2025-06-01T00:00:00+03:00",
    "end_date": "2025-06-03T00:00:00+03:00",
    "ticket": "TASK-1",
}
FILTERS = [
    {"filter_id": "is_new_user", "value_type": "boolean", "value": True},
    {"filter_id": "city", "value_type": "string", "values": ["a", "b"]},
    {"filter_id": "min_trips", "value_type": "number", "value": 3},
]
STARTS_AT, ENDS_AT = 1_748_725_200_000, 1_749_330_000_000
PERSONAL_ENDS_AT = 1_748_898_000_000


@dataclass
class Known:
    """Reference data in memory."""

    communications: dict[str, str] = field(
        default_factory=lambda: {
            "comm-general": "fullscreen",
            "comm-personal": "fullscreen",
            "pin": "map_object",
        }
    )
    filters: dict[str, str] = field(
        default_factory=lambda: {"is_new_user": "boolean", "city": "string", "min_trips": "number"}
    )
    experiments: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"newcomers": {"is_new_user": True}}
    )

    def communication(self, communication_id: str) -> Communication | None:
        kind = self.communications.get(communication_id)
        return None if kind is None else Communication(id=communication_id, kind=kind, content={})

    def filter(self, filter_id: str) -> AudienceFilter | None:
        kind = self.filters.get(filter_id)
        return None if kind is None else AudienceFilter(filter_id=filter_id, value_type=kind)

    def experiment(self, name: str) -> Experiment | None:
        filters = self.experiments.get(name)
        return None if filters is None else Experiment(name=name, filters=filters)


def whole(**changes: Any) -> dict[str, Any]:
    """The request of the specification, with fields changed; `...` leaves one out."""
    body: dict[str, Any] = {
        "id": "req-0001",
        "campaign_label": "campaign12345",
        "is_test_publication": False,
        "communication": deepcopy(GENERAL),
        "personal_communications": [deepcopy(PERSONAL)],
        "filters": {"filters": deepcopy(FILTERS)},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def without(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}


def read(body: Any) -> PublishBody:
    return READ(json.dumps(body).encode())


def published(body: Any, known: Known | None = None) -> Labelled:
    return labelled(read(body), known or Known())


def refused(body: Any, known: Known | None = None) -> tuple[Code, list[tuple[str, str]]]:
    """Code and faults of a request that is not taken."""
    try:
        published(body, known)
    except ProblemError as problem:
        return problem.code, [(fault.pointer, fault.detail) for fault in problem.errors]
    raise AssertionError("it was taken")
