"""The audience stage in memory, and calls of the endpoints in front of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from connectors.http.audience.commands import Upload
from connectors.http.audience.operations import STATUS_PATH
from connectors.http.ports import BrokerUnavailableError
from schemas.codec import Decoder
from schemas.records import (
    AudienceAnswered,
    AudienceLabel,
    AudiencePublished,
    AudienceWithdrawn,
    LabelNamed,
    RequestCount,
    RequestProgress,
    UsersUploaded,
)
from tests.unit.connectors.http.audience.publishing import Known
from tests.unit.connectors.http.edge import AUDIENCE_KEY, edge

ALLOWED = {"Authorization": f"Bearer {AUDIENCE_KEY}"}
_DECODE = Decoder(AudiencePublished, AudienceWithdrawn, UsersUploaded)


def written(upload: Upload) -> list[Any]:
    """The records of a transaction."""
    return [_DECODE(raw) for raw in upload.records]


def label(name: str, **changes: Any) -> AudienceLabel:
    given = {
        "campaign_label": name.partition(":")[0],
        "communication_id": "x",
        "starts_at": 0,
        "ends_at": 9,
        "published_at": 0,
        "updated_at": 1_000,
        **changes,
    }
    return AudienceLabel(audience_label=name, **given)


class Stage:
    """Answers as it is told; `news` is what only a catch-up brings."""

    def __init__(self, outcome: str = "accepted", *, replay: bool = False) -> None:
        self.known = Known()
        self.news: dict[str, str] = {}
        self.uploads: list[Upload] = []
        self.is_away = False
        self._outcome = outcome
        self._replay = replay

    async def catch_up(self) -> None:
        self.known.communications |= self.news

    async def ask(self, upload: Upload, headers: Mapping[str, bytes]) -> AudienceAnswered:
        assert {"traceparent", "request_id"} == set(headers)
        if self.is_away:
            raise BrokerUnavailableError
        self.uploads.append(upload)
        command = _DECODE(upload.records[0])
        assert isinstance(command, AudiencePublished | AudienceWithdrawn)
        named = [LabelNamed(communication_id="comm", audience_label="a:comm")]
        return AudienceAnswered(
            upload_id=upload.upload_id,
            request_id=command.request_id,
            outcome=self._outcome,
            labels=named if self._outcome == "accepted" else [],
            detail="why",
            is_replay=self._replay,
        )

    def labels(self) -> Mapping[str, AudienceLabel]:
        found = [
            label("c:x", total=10, processed=4, published_at=2),
            label("c", published_at=1),
            label("d:x", total=5, failed=1, processed=4),
        ]
        return {one.audience_label: one for one in found}

    def request(self, request_id: str) -> RequestProgress | None:
        count = RequestCount(audience_label="c:x", communication_id="x", total=3)
        return RequestProgress(request_id="r", updated_at=0, counts=[count]) if request_id == "r" else None


async def post(
    stage: Stage | None, path: str, body: Any, ports: Mapping[str, Any] | None = None, **headers: str
) -> tuple[int, Any, Mapping[str, str]]:
    told = {**ALLOWED, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        edge(audience=stage, **(ports or {})) as one,
        one.client.post(path, headers=told, data=BytesIO(raw)) as response,
    ):
        return response.status, await response.json(content_type=None), dict(response.headers)


async def get(query: str) -> tuple[int, Any]:
    async with (
        edge(audience=Stage()) as one,
        one.client.get(f"{STATUS_PATH}{query}", headers=ALLOWED) as response,
    ):
        return response.status, await response.json(content_type=None)
