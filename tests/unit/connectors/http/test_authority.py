"""Policies against keys and the gateway's secret; tokens of people are in test_attempts.py."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.credentials import Asked, shown
from connectors.http.policies import Anyone, NeedsKey, OnlyGateway, Operations, Policy, Public
from connectors.http.problems import ProblemError
from tests.unit.connectors.http.edge import entry

BOOK = KeyBook(
    [entry("ck_live_one", "send", "read"), entry("ck_live_two", "read"), entry("ck_test_one", "send")]
)
AUTHORITY = Authority(BOOK, ["new secret", "old secret", ""])
SEND = NeedsKey("send")


async def outcome(policy: Policy, authority: Authority = AUTHORITY, **headers: str) -> str:
    told = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    try:
        caller = await authority.authenticate(Asked(told, shown(told)), policy)
    except ProblemError as problem:
        return problem.code.value
    return f"{caller.kind.value} {caller.key_id}{' test' if caller.is_test else ''}"


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Bearer ck_live_one", "key ck_live_on"),
        ("bearer  ck_live_one", "key ck_live_on"),
        ("Bearer ck_test_one", "key ck_test_on test"),
        ("Bearer ck_live_two", "forbidden"),
        ("Bearer ck_live_three", "unauthenticated"),
        ("Bearer one", "unauthenticated"),
        ("ck_live_one", "unauthenticated"),
        ("Basic ck_live_one", "unauthenticated"),
        ("Bearer ", "unauthenticated"),
        ("Bearer ck_live_\udcff", "unauthenticated"),
        ("Bearer ck_live_one, Bearer ck_live_one", "unauthenticated"),
        ("", "unauthenticated"),
    ],
)
async def test_key_must_be_known_and_have_the_scope(authorization: str, expected: str) -> None:
    assert expected == await outcome(SEND, Authorization=authorization)


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="carillon"'),
        ({"Authorization": "Bearer x"}, 'Bearer realm="carillon", error="invalid_token"'),
    ],
)
async def test_wrong_credentials_are_told_how_to_come_back(headers: dict[str, str], challenge: str) -> None:
    with pytest.raises(ProblemError) as caught:
        await AUTHORITY.authenticate(Asked(headers, shown(headers)), SEND)
    assert caught.value.headers == {"WWW-Authenticate": challenge}


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
    nobody = Authority(KeyBook(), [])
    assert "stranger None" == await outcome(Anyone(), nobody, X_Gateway_Secret="")
    assert "unauthenticated" == await outcome(OnlyGateway(), nobody, X_Gateway_Secret="")


async def test_open_routes_and_operations_need_no_credentials() -> None:
    expected = ["stranger None", "stranger None", "operations None"]
    assert expected == [await outcome(policy) for policy in (Public(), Anyone(), Operations())]


async def test_before_the_keys_were_read_an_unknown_one_is_told_to_come_again() -> None:
    """A 401 would make a service with a good key give up."""
    early = Authority(KeyBook([entry("ck_live_one", "send")], is_read=False), [])
    found = [await outcome(SEND, early, Authorization=f"Bearer ck_live_{name}") for name in ("one", "two")]
    assert ["key ck_live_on", "credentials_unavailable"] == found
    assert "credentials_unavailable" == await outcome(Anyone(), early, Authorization="Bearer ck_live_two")
