"""A request is taken back by its id and its user."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.ports import BrokerUnavailableError
from connectors.http.send_cancel import LARGEST_BODY
from schemas.inputs import decoder_of
from schemas.records import CancelRequest
from schemas.topics import CANCEL_REQUEST
from tests.unit.connectors.http.edge import edge
from tests.unit.connectors.http.test_send import SOURCE, USER

ID = "5c1f1c4e-2f0b-8d5a-9b1e-6a1f0d2c3b4a"
PATH = f"/api/v1/notifications/send/{ID}/cancel"


async def test_a_cancel_is_in_its_topic_with_its_sender() -> None:
    async with edge() as one:
        status, body, headers = await one.ask("POST", PATH, {"user_id": USER.upper()})
    (record,) = one.produced
    assert (202, {"id": ID, "status": "accepted"}) == (status, body)
    assert headers["Location"].endswith(f"/stats/messages/{ID}")
    assert (CANCEL_REQUEST, f"user:{USER}".encode()) == (record.topic, record.key)
    assert SOURCE.encode() == record.headers["source"]
    expected = CancelRequest(request_id=ID, user_id=USER)
    assert expected == decoder_of(CANCEL_REQUEST)(record.value)
    assert 1 == one.sample("carillon_send_requests_total", kind="cancel")


@pytest.mark.parametrize(
    ("path", "body", "status", "pointers"),
    [
        (PATH, {}, 400, ["/user_id"]),
        (PATH, {"user_id": "7", "why": "x"}, 400, ["/user_id", "/why"]),
        (PATH, b"", 400, []),
        (PATH, b" " * (LARGEST_BODY + 1), 413, []),
        (PATH.replace(ID, "7"), {"user_id": USER}, 404, []),
    ],
)
async def test_what_is_no_cancel_is_refused(path: str, body: Any, status: int, pointers: list[str]) -> None:
    async with edge() as one:
        found, told, _ = await one.ask("POST", path, body)
    assert (status, []) == (found, one.produced)
    assert pointers == [error["pointer"] for error in told["errors"]]


@pytest.mark.parametrize(("key", "status"), [("ck_live_abc", 403), ("ck_test_def", 403), ("", 401)])
async def test_only_who_may_send_may_cancel(key: str, status: int) -> None:
    async with edge() as one:
        found, _, _ = await one.ask("POST", PATH, {"user_id": USER}, Authorization=f"Bearer {key}")
    assert (status, []) == (found, one.produced)


async def test_without_the_brokers_word_there_is_no_202() -> None:
    async with edge() as one:

        async def away() -> None:
            raise BrokerUnavailableError

        one.broker = away
        status, _, headers = await one.ask("POST", PATH, {"user_id": USER})
    assert (503, "1") == (status, headers["Retry-After"])
