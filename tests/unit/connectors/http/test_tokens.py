"""Tokens and the issuer's keys: what is remembered, asked again, and kept when the issuer is away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from connectors.http.jwks import AGAIN_S, LARGEST, KeysUnavailableError, from_file, from_url, usable_keys
from connectors.http.policies import Role
from connectors.http.tokens import Refusal, TokenRefusedError, TokenRules, Tokens, person_in, roles_in
from tests.unit.connectors.http.edge import NOW
from tests.unit.connectors.http.issuer import (
    AUDIENCE,
    EC,
    ED,
    ISSUER,
    JWKS,
    NOW_S,
    RSA,
    RSA_NEXT,
    RULES,
    Desk,
    claims,
    listed,
    token,
)


async def refusal(tokens: Tokens, text: str) -> str:
    try:
        await tokens.person(text)
    except TokenRefusedError as error:
        return error.reason.value
    return "accepted"


async def test_a_token_is_verified_once_and_then_remembered() -> None:
    desk = Desk()
    tokens = desk.tokens()
    good = token()
    first = await tokens.person(good)
    assert first is await tokens.person(good)
    assert ("u-1", frozenset({Role.USER}), (NOW_S + 630) * 1000) == first


async def test_a_remembered_token_ends_with_its_time() -> None:
    desk, now = Desk(), [NOW]
    tokens = Tokens(RULES, desk.trusted, lambda: now[0])
    good = token(exp=NOW_S + 10)
    found = [await refusal(tokens, good)]
    now[0] = (NOW_S + 40) * 1000 - 1
    found.append(await refusal(tokens, good))
    now[0] += 1
    found += [await refusal(tokens, good), await refusal(tokens, good)]
    assert ["accepted", "accepted", "expired", "expired"] == found


async def test_a_remembered_token_ends_with_its_key() -> None:
    """An issuer that takes a stolen key out of its list is heard."""
    desk = Desk()
    tokens = desk.tokens()
    good = token()
    await tokens.person(good)
    desk.keys = [listed("ec", EC)]
    await desk.trusted.refresh()
    assert "unknown_key" == await refusal(tokens, good)


async def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    desk = Desk()
    tokens = desk.tokens(remember=2)
    texts = [token(sub=f"u-{number}") for number in range(3)]
    first = await tokens.person(texts[0])
    await tokens.person(texts[1])
    await tokens.person(texts[0])
    await tokens.person(texts[2])
    assert 2 == len(tokens._known)
    assert first is await tokens.person(texts[0])


async def test_a_refused_token_is_not_remembered() -> None:
    tokens = Desk().tokens()
    assert "expired" == await refusal(tokens, token(exp=NOW_S - 60))
    assert 0 == len(tokens._known)


async def test_an_unknown_key_is_asked_for_but_not_by_every_stranger() -> None:
    desk = Desk()
    tokens = desk.tokens()
    await tokens.person(token())
    next_one = token(RSA_NEXT, "next")
    found = [await refusal(tokens, next_one)]
    desk.keys = [*JWKS, listed("next", RSA_NEXT)]
    desk.now += AGAIN_S - 1
    found.append(await refusal(tokens, next_one))
    asked = desk.asked
    desk.now += 1
    found.append(await refusal(tokens, next_one))
    assert (["unknown_key", "unknown_key", "accepted"], 1, 2) == (found, asked, desk.asked)


async def test_many_who_ask_for_an_unknown_key_at_once_ask_once() -> None:
    desk = Desk()
    tokens = desk.tokens()
    found = await asyncio.gather(*(refusal(tokens, token(RSA_NEXT, f"k{n}")) for n in range(20)))
    assert (["unknown_key"] * 20, 1) == (found, desk.asked)


async def test_keys_stay_while_the_issuer_is_away_or_shows_none() -> None:
    desk = Desk()
    tokens = desk.tokens()
    await desk.trusted.refresh()
    for raw, is_away in ((b"<html>", False), (b'{"keys": []}', False), (None, True), (b"[]", False)):
        desk.raw, desk.is_away = raw, is_away
        assert not await desk.trusted.refresh()
    assert "accepted" == await refusal(tokens, token())
    assert ["read", *["failed"] * 4] == desk.heard


async def test_before_the_first_reading_nobody_can_say() -> None:
    desk = Desk()
    desk.is_away = True
    with pytest.raises(KeysUnavailableError):
        await desk.tokens().person(token())


async def test_a_list_that_did_not_change_forgets_no_token() -> None:
    desk = Desk()
    await desk.trusted.refresh()
    before = desk.trusted.generation
    await desk.trusted.refresh()
    assert before == desk.trusted.generation


@pytest.mark.parametrize(
    "key",
    [
        listed("k", RSA, use="enc"),
        listed("k", RSA, alg="HS256"),
        listed("k", RSA, alg="RS512"),
        listed("k", RSA, key_ops=["encrypt"]),
        listed("", RSA),
        listed("k", EC, crv="P-384"),
        listed("k", RSA, n="AQAB"),
        listed("k", RSA, e=None),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k"},
        {"kty": "RSA", "kid": "k"},
        {"kid": "k"},
        {},
        7,
    ],
)
def test_keys_that_may_not_verify_are_left_out(key: Any) -> None:
    with pytest.raises(ValueError, match="JWKS"):
        usable_keys(json.dumps({"keys": [key]}).encode())


def test_of_two_keys_with_one_id_the_first_counts_and_kinds_do_not_mix() -> None:
    found = usable_keys(
        json.dumps({"keys": [listed("k", RSA), listed("k", RSA_NEXT), listed("k", ED)]}).encode()
    )
    assert {("k", "RS256"), ("k", "EdDSA"), ("k", "Ed25519")} == set(found)
    assert RSA.as_dict(private=False)["n"] == found["k", "RS256"].as_dict(private=False)["n"]


@pytest.mark.spec("NS-API-004")
@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        ("roles", {"roles": ["user", "admin", "root", 7]}, {"user", "admin"}),
        ("roles", {"roles": "user marketer"}, {"user", "marketer"}),
        ("realm_access.roles", {"realm_access": {"roles": ["admin"]}}, {"admin"}),
        ("https://id.test/roles", {"https://id.test/roles": ["user"]}, {"user"}),
        ("roles", {"roles": {"admin": True}}, set()),
        ("roles", {"roles": ["service"]}, set()),
        ("a.b.c", {"a": ["b"]}, set()),
        (
            "realm_access.roles",
            {"realm_access.roles": ["admin"], "realm_access": {"roles": ["user"]}},
            {"user"},
        ),
        ("realm_access.roles", {"realm_access.roles": ["admin"]}, set()),
        ("roles", {}, set()),
    ],
)
def test_roles_are_found_where_the_settings_say(path: str, given: dict[str, Any], expected: set[str]) -> None:
    assert expected == {role.value for role in roles_in(given, path)}


@pytest.mark.spec("NS-API-003")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"aud": ["x", AUDIENCE]}, None),
        ({"exp": NOW_S - 29}, None),
        ({"nbf": NOW_S + 30}, None),
        ({"nbf": None, "iat": None}, None),
        ({"exp": NOW_S - 30}, Refusal.EXPIRED),
        ({"exp": True}, Refusal.CLAIMS),
        ({"exp": 10**400}, None),
        ({"exp": -(10**400)}, Refusal.EXPIRED),
        ({"nbf": 10**400}, Refusal.NOT_YET),
        ({"exp": float("nan")}, Refusal.CLAIMS),
        ({"nbf": "now"}, Refusal.CLAIMS),
        ({"sub": ""}, Refusal.CLAIMS),
        ({"sub": 7}, Refusal.CLAIMS),
        ({"sub": "u\n1"}, Refusal.CLAIMS),
        ({"sub": "u" * 257}, Refusal.CLAIMS),
        ({"aud": {AUDIENCE: 1}}, Refusal.AUDIENCE),
        ({"iss": [ISSUER]}, Refusal.ISSUER),
    ],
)
def test_claims_are_for_us_and_for_now(changes: dict[str, Any], expected: Refusal | None) -> None:
    found = None
    try:
        person_in(claims(**changes), TokenRules(ISSUER, AUDIENCE), NOW)
    except TokenRefusedError as error:
        found = error.reason
    assert expected == found


async def test_keys_are_fetched_without_following_and_not_without_bound(tmp_path: Any) -> None:
    async def keys(_request: web.Request) -> web.Response:
        return web.json_response({"keys": JWKS})

    async def elsewhere(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/keys")

    async def much(_request: web.Request) -> web.Response:
        return web.Response(body=b" " * (LARGEST + 1))

    app = web.Application()
    app.router.add_get("/keys", keys)
    app.router.add_get("/elsewhere", elsewhere)
    app.router.add_get("/much", much)
    async with TestServer(app) as server, ClientSession() as session:
        raw = await from_url(session, str(server.make_url("/keys")))()
        for path in ("/elsewhere", "/much"):
            with pytest.raises(ValueError, match=r"answered 302|more than"):
                await from_url(session, str(server.make_url(path)))()
    (tmp_path / "jwks").write_bytes(raw)
    assert raw == await from_file(tmp_path / "jwks")()
    assert ("rsa", "RS256") in usable_keys(raw)
