"""The mailbox in the app is an address that everybody has; what else was chosen is waited for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import Template
from tests.fakes import MemoryOutside, MemoryReference
from tests.requests import ORDER, REGISTERED, REQUEST, TEMPLATES, Desk, decision, messages, tasks

INBOX = Template(name="order", channel_type="in_app", language_code="ru", body="{OrderNumber}")
GONE = replace(REGISTERED, action="deleted", changed_at=REQUEST.occurred_at - 1)


def desk(*channels: str, fallback: tuple[str, ...] = ()) -> Desk:
    kind = replace(ORDER, default_channels=[*channels], fallback_channels=[*fallback])
    return Desk(MemoryOutside(MemoryReference(types=[kind], templates=[*TEMPLATES, INBOX])))


@pytest.mark.spec("NS-CH-005")
async def test_a_user_of_whom_nothing_is_known_is_told_in_the_app() -> None:
    found = await desk("in_app").tell(REQUEST)
    assert ("accepted", ["in_app"]) == (decision(found).outcome, decision(found).channels)
    assert ["in_app"] == [one.channel for one in tasks(found)]
    assert [b"sealed:" + REQUEST.user_id.encode()] == [one.recipient for one in messages(found)]


@pytest.mark.parametrize(("channels", "fallback"), [(("email", "in_app"), ()), (("email",), ("in_app",))])
async def test_a_contact_is_waited_for_though_there_is_a_mailbox(
    channels: tuple[str, ...], fallback: tuple[str, ...]
) -> None:
    """Mutation: the mailbox counts as an address like any other."""
    found = await desk(*channels, fallback=fallback).tell(REQUEST)
    assert "waiting" == decision(found).outcome


async def test_who_has_both_is_told_by_both_and_in_reserve_only_where_nothing_else_reaches() -> None:
    both, reserve = desk("email", "in_app"), desk("email", fallback=("in_app",))
    assert ["email", "in_app"] == [one.channel for one in tasks(await both.tell(REGISTERED, REQUEST))]
    assert ["email"] == [one.channel for one in tasks(await reserve.tell(REGISTERED, REQUEST))]


async def test_a_deleted_user_has_no_mailbox() -> None:
    found = await desk("in_app").tell(REGISTERED, GONE, REQUEST)
    assert ("skipped", "no_contact") == (decision(found).outcome, decision(found).reason)
