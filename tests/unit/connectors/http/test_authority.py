"""Policies against credentials."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from connectors.http.authority import Anyone, Authority, NeedsKey, OnlyGateway, Operations, Policy
from connectors.http.problems import ProblemError
from tests.unit.connectors.http.edge import entry

AUTHORITY = Authority(
    [entry("ck_live_one", "send", "read"), entry("ck_live_two", "read"), entry("ck_test_one", "send")],
    ["new secret", "old secret", ""],
)
SEND = NeedsKey("send")


async def outcome(policy: Policy, authority: Authority = AUTHORITY, **headers: str) -> str:
    told = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    try:
        caller = await authority.authenticate(told, policy)
    except ProblemError as problem:
        return problem.code.value
    return f"{caller.kind.value} {caller.key_id}{' test' if caller.is_test else ''}"


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Bearer ck_live_one", "key ck_live_on"),
        ("Bearer ck_test_one", "key ck_test_on test"),
        ("Bearer ck_live_two", "forbidden"),
        ("Bearer ck_live_three", "unauthenticated"),
        ("Bearer one", "unauthenticated"),
        ("ck_live_one", "unauthenticated"),
        ("Basic ck_live_one", "unauthenticated"),
        ("Bearer ", "unauthenticated"),
        ("Bearer ck_live_\udcff", "unauthenticated"),
        ("", "unauthenticated"),
    ],
)
async def test_key_must_be_known_and_have_the_scope(authorization: str, expected: str) -> None:
    assert expected == await outcome(SEND, Authorization=authorization)


async def test_missing_credentials_are_told_how_to_come_back() -> None:
    with pytest.raises(ProblemError) as caught:
        await AUTHORITY.authenticate({}, SEND)
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer realm="carillon"'}


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("new secret", "gateway None"),
        ("old secret", "gateway None"),
        ("", "unauthenticated"),
        ("x", "unauthenticated"),
    ],
)
async def test_gateway_proves_itself_by_one_of_its_secrets(secret: str, expected: str) -> None:
    assert expected == await outcome(OnlyGateway(), X_Gateway_Secret=secret)


async def test_without_a_configured_secret_nobody_is_the_gateway() -> None:
    nobody = Authority([], [])
    assert "stranger None" == await outcome(Anyone(), nobody, X_Gateway_Secret="")
    assert "unauthenticated" == await outcome(OnlyGateway(), nobody, X_Gateway_Secret="")


async def test_anyone_and_operations_need_no_credentials() -> None:
    assert ["stranger None", "operations None"] == [await outcome(Anyone()), await outcome(Operations())]
