"""Whose address counts, and how often a link, a stranger and a client may come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from multidict import CIMultiDict

from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.credentials import Asked
from connectors.http.limits import Limit, Limits
from connectors.http.policies import Anyone, ByLink, Policy
from connectors.http.problems import Code, ProblemError
from connectors.http.quotas import Counted, Quotas, client_in
from tests.unit.connectors.http.callers import CLIENT
from tests.unit.connectors.http.edge import NOW, SECRET, edge

GATE = {"X-Gateway-Secret": SECRET}
UNSUBSCRIBE = "/api/v1/notifications/unsubscribe"


def counted(**quotas: Any) -> Counted:
    return Counted(Authority(KeyBook(), [SECRET]), Quotas(**quotas), lambda: NOW)


async def passes(one: Counted, asked: Asked, policy: Policy) -> bool:
    try:
        await one.authenticate(asked, policy)
    except ProblemError as problem:
        return problem.code is not Code.THROTTLED
    return True


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        (["192.0.2.7"], 1, "192.0.2.7"),
        (["6.6.6.6, 192.0.2.7"], 1, "192.0.2.7"),
        (["6.6.6.6, 192.0.2.7, 10.0.0.1"], 2, "192.0.2.7"),
        (["6.6.6.6", "192.0.2.7"], 1, "192.0.2.7"),
        (["192.0.2.7"], 3, "192.0.2.7"),
        ([" , 192.0.2.7 ,"], 1, "192.0.2.7"),
        ([""], 1, None),
        ([], 1, None),
    ],
)
def test_the_client_is_counted_from_the_right(
    forwarded: list[str], proxies: int, expected: str | None
) -> None:
    """Mutation: the first entry counts. Who writes another one into each request is never limited."""
    headers = CIMultiDict([("X-Forwarded-For", each) for each in forwarded])
    assert expected == client_in(headers, proxies)


async def test_one_who_makes_up_forwarded_addresses_is_one() -> None:
    one = counted(per_stranger=2)
    asked = [
        Asked({**GATE, "X-Forwarded-For": f"10.0.0.{number}, 192.0.2.7"}, query=f"token={number}")
        for number in range(3)
    ]
    assert [True, True, False] == [await passes(one, each, ByLink()) for each in asked]


async def test_a_link_is_opened_as_often_as_a_person_calls() -> None:
    one = counted(per_user=2)
    link, other = Asked({}, query="token=a"), Asked({}, query="lang=en&token=b")
    assert [True, True, False] == [await passes(one, link, ByLink()) for _ in range(3)]
    assert [True, False] == [await passes(one, each, ByLink()) for each in (other, link)]


async def test_an_answer_to_a_link_says_where_its_holder_stands() -> None:
    caller = await counted().authenticate(Asked({}, query="token=a"), ByLink())
    assert {"RateLimit": '"user";r=59;t=1', "RateLimit-Policy": '"user";q=60;w=60'} == caller.told


async def test_links_of_many_people_may_come_from_one_mail_provider() -> None:
    """One click of RFC 8058 is posted by their servers: the usual limit would refuse the law's way out."""
    one = counted(per_address=2, is_direct=True)
    asked = [Asked({}, query=f"token={number}", peer="192.0.2.7") for number in range(9)]
    assert all([await passes(one, each, ByLink()) for each in asked])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "198.51.100.9"),
        ({"X-Forwarded-For": "192.0.2.7"}, "198.51.100.9"),
        ({**GATE, "X-Forwarded-For": "192.0.2.7"}, "192.0.2.7"),
        (GATE, None),
    ],
    ids=["stranger", "stranger who claims", "gateway", "gateway alone"],
)
async def test_a_seen_post_has_the_address_that_is_believed(
    headers: Mapping[str, str], expected: str | None
) -> None:
    caller = await counted().authenticate(Asked(headers, peer="198.51.100.9"), Anyone())
    assert expected == caller.address


async def test_strangers_who_post_directly_are_limited_and_users_are_not_for_them() -> None:
    """Mutation: a stranger has no address. Whoever reaches the port may write as much as he likes."""
    limits = Limits(lambda: NOW, per_address=Limit("address", 2))
    async with edge(throttle=limits, authenticate=counted().authenticate) as one:
        strangers = [(await one.post())[0] for _ in range(3)]
        user = (await one.post(**CLIENT))[0]
    assert ([200, 200, 429], 200) == (strangers, user)


async def test_the_links_routes_are_counted() -> None:
    async with edge(authenticate=counted(per_user=1).authenticate) as one:
        found = []
        for _ in range(2):
            async with one.client.get(f"{UNSUBSCRIBE}?token=x") as response:
                found.append(response.status)
    assert [404, 429] == found
