"""The seen endpoint over a real socket (SEEN-050…SEEN-056)."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.http.seen import PATH
from schemas.records import SeenPosted
from tests.unit.connectors.http.callers import CLIENT
from tests.unit.connectors.http.edge import KEY, NOW, SECRET, edge


@pytest.mark.spec("SEEN-020 SEEN-023 SEEN-038 SEEN-050 SEEN-OP-11")
async def test_post_of_a_client_is_published_and_then_answered() -> None:
    identity = {**CLIENT, "X_Uid": "7", "X_Bound_Uids": "8, 9,", "X_Phone_Id": "p"}
    async with edge() as one:
        status, body, headers = await one.post({"tag": "promotions", "id": "some-id"}, **identity)
    assert (200, {}, "application/json") == (status, body, headers["Content-Type"])
    assert one.published == [
        SeenPosted(
            kind="client",
            tag="promotions",
            id="some-id",
            seen_at=NOW,
            received_at=NOW,
            user={"user_id": "u-1", "uid": "7", "bound_uids": ["8", "9"], "phone_id": "p"},
            user_key="user:u-1",
        )
    ]


@pytest.mark.spec("SEEN-OP-09")
@pytest.mark.parametrize(
    ("headers", "kind", "user_key"),
    [
        (CLIENT, "client", "user:u-1"),
        ({**CLIENT, "X_Gateway_Secret": "an older secret"}, "client", "user:u-1"),
        ({**CLIENT, "X_Gateway_Secret": "forged"}, "unauthorized", None),
        ({"X_Auth_Kind": "client", "X_User_Id": "u-1"}, "unauthorized", None),
        (
            {
                "X_Gateway_Secret": SECRET,
                "X_Auth_Kind": "driver",
                "X_Driver_Db_Id": "d",
                "X_Driver_Uuid": "e",
            },
            "driver",
            "driver:d_e",
        ),
        ({"X_Gateway_Secret": SECRET}, "unauthorized", None),
        ({"X_Gateway_Secret": SECRET, "X_Device_Id": "phone"}, "unauthorized", "device:phone"),
        ({"X_Device_Id": "phone"}, "unauthorized", None),
        (
            {"Authorization": f"Bearer {KEY}", "X_Auth_Kind": "client", "X_User_Id": "u-1"},
            "client",
            "user:u-1",
        ),
        (
            {"Authorization": "Bearer ck_test_def", "X_Auth_Kind": "client", "X_User_Id": "u-1"},
            "unauthorized",
            None,
        ),
        (
            {"Authorization": "Bearer a.users.jwt", "X_Auth_Kind": "client", "X_User_Id": "u-1"},
            "unauthorized",
            None,
        ),
    ],
)
async def test_identity_counts_only_with_the_gateways_proof(
    headers: dict[str, str], kind: str, user_key: str | None
) -> None:
    async with edge() as one:
        status, _, _ = await one.post({"tag": "t", "id": "1", "user_id": "someone else"}, **headers)
    assert (200, [(kind, user_key)]) == (status, [(post.kind, post.user_key) for post in one.published])


@pytest.mark.spec("SEEN-OP-05")
@pytest.mark.parametrize(
    "changes",
    [
        {"X_User_Id": ""},
        {"X_User_Id": "x" * 257},
        {"X_User_Id": "\udcff"},
        {"X_Auth_Kind": "driver"},
        {"X_Auth_Kind": "stowaway"},
    ],
)
async def test_session_without_its_ids_is_forbidden_so_that_the_client_keeps_the_fact(
    changes: dict[str, str],
) -> None:
    async with edge() as one:
        status, body, _ = await one.post(**{**CLIENT, **changes})
    assert (403, "identity_incomplete", []) == (status, body["code"], one.published)


@pytest.mark.spec("SEEN-OP-11 SEEN-051 SEEN-052 SEEN-OP-12")
@pytest.mark.parametrize(
    ("body", "code", "pointers"),
    [
        (b"", "invalid_json", []),
        (b"{not json", "invalid_json", []),
        (b'{"tag": "\xff", "id": "1"}', "invalid_json", []),
        (b'{"tag": "\\ud800", "id": "1"}', "invalid_json", []),
        (b"[1]", "invalid_json", [""]),
        ({"tag": "news"}, "invalid_field", ["/id"]),
        ({"tag": "", "id": "1"}, "invalid_field", ["/tag"]),
        ({"tag": "n" * 65, "id": "i" * 257}, "invalid_field", ["/tag", "/id"]),
        ({"tag": 7, "id": None}, "invalid_field", ["/tag", "/id"]),
        ({"tag": "a\0b", "id": "1"}, "invalid_field", ["/tag"]),
    ],
)
async def test_malformed_body_is_refused_with_each_fault_named(
    body: Any, code: str, pointers: list[str]
) -> None:
    async with edge() as one:
        status, problem, headers = await one.post(body)
    assert (400, "application/problem+json") == (status, headers["Content-Type"])
    assert (code, pointers, []) == (
        problem["code"],
        [fault["pointer"] for fault in problem["errors"]],
        one.published,
    )


@pytest.mark.spec("SEEN-OP-12")
async def test_longest_tag_and_id_count_characters_and_are_taken() -> None:
    async with edge() as one:
        status, _, _ = await one.post({"tag": "ж" * 64, "id": "😀" * 256, "unknown": [1]})
    assert status == 200


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_large_body_is_refused(is_chunked: bool) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 1024

    async with edge() as one:
        data: Any = chunks() if is_chunked else b" " * 20_480
        async with one.client.post(PATH, data=data) as response:
            problem = await response.json(content_type=None)
    assert (413, "too_large") == (response.status, problem["code"])


async def test_body_in_a_broken_encoding_is_refused() -> None:
    async with edge() as one:
        status, problem, _ = await one.post(b"no gzip at all", Content_Encoding="gzip")
    assert (400, "invalid_json") == (status, problem["code"])


@pytest.mark.spec("SEEN-OP-13")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2027-01-15T07:59:59Z", NOW - 1_000),
        ("2027-01-15T08:00:01Z", NOW),
        ("2027-01-15T10:00:00+03:00", NOW - 3_600_000),
        ("2027-01-15T07:00:00", NOW),
        ("soon", NOW),
        (1_700_000_000, NOW),
        (None, NOW),
    ],
)
async def test_time_of_display_counts_when_it_is_one_and_past(given: Any, expected: int) -> None:
    async with edge() as one:
        await one.post({"tag": "t", "id": "1", "seen_at": given})
    assert [(expected, NOW)] == [(post.seen_at, post.received_at) for post in one.published]
