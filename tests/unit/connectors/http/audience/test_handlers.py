"""The audience endpoints over HTTP: each answer of AUD-085, AUD-086, AUD-OP-22, CRM-OP-02 and CRM-OP-04."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.audience.operations import ADMIN_PATH, PUBLISH_PATH, UNPUBLISH_PATH
from connectors.http.audience.slots import LARGEST_BODY
from schemas.records import (
    AudiencePublished,
    AudienceWithdrawn,
    UsersUploaded,
)
from tests.unit.connectors.http.audience.publishing import PERSONAL, whole
from tests.unit.connectors.http.audience.stage import Stage, post, written
from tests.unit.connectors.http.edge import NOW


@pytest.mark.spec("AUD-001 AUD-030 AUD-OP-06 AUD-045 AUD-060 AUD-061 AUD-085 AUD-104")
@pytest.mark.spec("AUD-126 CRM-010")
async def test_a_published_request_is_answered_with_its_labels() -> None:
    stage = Stage()
    status, body, headers = await post(stage, PUBLISH_PATH, whole())
    info = [{"communication_id": "comm", "audience_label": "a:comm"}]
    assert (200, {"id": "req-0001", "audience_info": info}) == (status, body)
    assert "Idempotent-Replayed" not in headers
    (upload,) = stage.uploads
    command, chunk = written(upload)
    assert isinstance(command, AudiencePublished)
    assert isinstance(chunk, UsersUploaded)
    assert ("req-0001", "campaign12345", NOW) == (
        command.idempotency_key,
        command.campaign_label,
        command.received_at,
    )
    assert {upload.upload_id} == {command.upload_id, chunk.upload_id}


@pytest.mark.spec("AUD-OP-10")
async def test_the_token_names_the_request_and_a_replay_is_told() -> None:
    stage = Stage(replay=True)
    status, _, headers = await post(stage, PUBLISH_PATH, whole(), X_Idempotency_Token="token-1")
    assert (200, "true") == (status, headers["Idempotent-Replayed"])
    command = written(stage.uploads[0])[0]
    assert isinstance(command, AudiencePublished)
    assert "token-1" == command.idempotency_key


async def test_uploads_have_ids_of_their_own() -> None:
    stage = Stage()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for _ in range(2):
        await post(stage, PUBLISH_PATH, whole(), traceparent=trace)
    assert 2 == len({upload.upload_id for upload in stage.uploads})


@pytest.mark.spec("AUD-086 CRM-OP-02")
@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [("conflict", 409, "conflict"), ("unknown_label", 404, "unknown_label")],
)
async def test_a_refusal_of_the_stage_is_a_problem(outcome: str, status: int, code: str) -> None:
    body = {"id": "r", "campaign_label": "c"}
    found, problem, _ = await post(Stage(outcome), UNPUBLISH_PATH, body)
    assert (status, code, "why") == (found, problem["code"], problem["errors"][0]["detail"])


@pytest.mark.spec("CRM-011 CRM-OP-02")
async def test_a_withdrawal_is_answered_with_its_labels() -> None:
    stage = Stage()
    status, body, _ = await post(stage, UNPUBLISH_PATH, {"id": "r", "audience_label": "a:comm"})
    assert (200, "r", "a:comm") == (status, body["id"], body["audience_info"][0]["audience_label"])
    assert isinstance(written(stage.uploads[0])[0], AudienceWithdrawn)


@pytest.mark.spec("AUD-OP-05 AUD-OP-21 AUD-OP-22")
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (whole(campaign_label="a b"), 400, "invalid_field"),
        (whole(personal_communications=[PERSONAL] * 101), 413, "too_large"),
        (b" " * (LARGEST_BODY + 1), 413, "too_large"),
    ],
    ids=["json", "field", "items", "bytes"],
)
async def test_what_breaks_the_rules_is_refused_and_nothing_is_written(
    body: Any, status: int, code: str
) -> None:
    stage = Stage()
    found, problem, _ = await post(stage, PUBLISH_PATH, body)
    assert (status, code, []) == (found, problem["code"], stage.uploads)


@pytest.mark.spec("AUD-066 AUD-OP-21")
async def test_a_full_request_is_taken() -> None:
    """A hundred times a thousand users are far above what other routes take (AUD-OP-21)."""
    stage = Stage()
    items = [
        {**PERSONAL, "users": [{"id_type": "device_id", "id": f"{p:03}-{n:08}"} for n in range(1000)]}
        for p in range(100)
    ]
    status, _, _ = await post(stage, PUBLISH_PATH, whole(personal_communications=items, filters=...))
    chunks = [record for record in written(stage.uploads[0]) if isinstance(record, UsersUploaded)]
    users = [len(one.users) for chunk in chunks for group in chunk.groups for one in group.labels]
    assert (200, 100_000) == (status, sum(users))


@pytest.mark.spec("AUD-086")
async def test_a_defect_is_a_500_with_its_trace_id_and_writes_nothing() -> None:
    stage = Stage()
    stage.known.communications = None  # type: ignore[assignment] # a defect of ours
    status, problem, _ = await post(stage, PUBLISH_PATH, whole())
    assert (500, "internal", []) == (status, problem["code"], stage.uploads)
    assert 32 == len(problem["trace_id"])


@pytest.mark.spec("AUD-OP-30")
async def test_a_communication_that_was_just_written_is_waited_for() -> None:
    stage = Stage()
    del stage.known.communications["comm-personal"]
    assert 400 == (await post(stage, PUBLISH_PATH, whole()))[0]
    stage.news = {"comm-personal": "fullscreen"}
    assert 200 == (await post(stage, PUBLISH_PATH, whole()))[0]


@pytest.mark.spec("AUD-OP-22")
async def test_without_the_broker_the_caller_is_told_to_come_back() -> None:
    stage = Stage()
    stage.is_away = True
    for given in (stage, None):
        status, problem, headers = await post(given, PUBLISH_PATH, whole())
        assert (503, "broker_unavailable", "1") == (status, problem["code"], headers["Retry-After"])


@pytest.mark.spec("AUD-OP-22")
@pytest.mark.parametrize("path", [PUBLISH_PATH, UNPUBLISH_PATH, ADMIN_PATH])
@pytest.mark.parametrize(
    ("key", "status"), [("Bearer nobody", 401), ("", 401), ("Bearer ck_test_def", 403)], ids=str
)
async def test_the_caller_needs_a_key_of_the_scope(path: str, key: str, status: int) -> None:
    assert status == (await post(Stage(), path, whole(), Authorization=key))[0]
