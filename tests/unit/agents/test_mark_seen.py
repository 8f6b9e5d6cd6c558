"""The seen stage."""

from __future__ import annotations

import pytest
from msgspec import json
from msgspec.structs import replace

from agents.mark_seen import mark_seen
from schemas.records import SeenFact, SeenPosted, SeenRouted, SeenTag
from tables.seen import Seen
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import DAY, T0

Table = MemoryTable[bytes, Seen]

CLIENT = SeenPosted(
    kind="client",
    tag="promotions",
    id="p-1",
    seen_at=T0,
    received_at=T0 + 5,
    user={"user_id": "u-1", "phone_id": "ph-1", "role": "admin"},
    user_key="u-1",
)
NOBODY = SeenPosted(kind="unauthorized", tag="promotions", id="p-1", seen_at=T0, received_at=T0)
REFERENCE = MemoryReference(
    tags=[
        SeenTag(tag="promotions", destinations=["promotions", "analytics"], remember_for_s=60),
        SeenTag(tag="paused", destinations=["paused"], is_enabled=False),
    ]
)


async def passed_on(table: Table, *posted: SeenPosted, now: int = T0) -> list[SeenRouted]:
    table.now = now
    stream = FakeStream([FakeEvent(value) for value in posted], now=now)
    return [routed async for routed in mark_seen(stream, REFERENCE, table)]


async def test_a_fact_goes_to_every_destination_of_its_tag() -> None:
    routed = await passed_on(Table(), CLIENT)
    assert [("promotions", "u-1"), ("analytics", "u-1")] == [(r.destination, r.user_key) for r in routed]


async def test_the_envelope_of_a_client_has_its_four_fields_and_no_others() -> None:
    (routed, _) = await passed_on(Table(), CLIENT)
    expected = SeenFact(
        event_type="client",
        tag="promotions",
        id="p-1",
        seen_at="2025-05-21T12:34:56Z",
        user={"user_id": "u-1", "uid": None, "bound_uids": [], "phone_id": "ph-1"},
    )
    assert expected == routed.fact


async def test_the_envelope_of_a_driver_has_its_two_fields() -> None:
    driver = replace(CLIENT, kind="driver", user={"db_id": "d", "uuid": "x"}, user_key="d/x")
    (routed, _) = await passed_on(Table(), driver)
    assert {"db_id": "d", "uuid": "x"} == routed.fact.user


async def test_the_envelope_of_an_unauthorised_event_has_no_user_at_all() -> None:
    (routed, _) = await passed_on(Table(), NOBODY)
    assert {"event_type", "tag", "id", "seen_at"} == set(json.decode(json.encode(routed.fact)))


async def test_a_repeat_in_the_same_batch_and_in_a_later_one_is_dropped() -> None:
    table = Table()
    assert 2 == len(await passed_on(table, CLIENT, CLIENT))
    assert [] == await passed_on(table, CLIENT)


async def test_after_remember_for_the_fact_counts_as_new() -> None:
    table = Table()
    await passed_on(table, CLIENT)
    assert [] == await passed_on(table, CLIENT, now=CLIENT.received_at + 59_999)
    assert 2 == len(await passed_on(table, CLIENT, now=CLIENT.received_at + 60_000))


@pytest.mark.parametrize("other", [{"user_key": "u-2"}, {"id": "p-2"}, {"kind": "driver"}])
async def test_another_user_id_or_kind_is_no_repeat(other: dict[str, str]) -> None:
    table = Table()
    await passed_on(table, CLIENT)
    assert 2 == len(await passed_on(table, replace(CLIENT, **other)))


async def test_a_fact_of_nobody_is_never_a_repeat() -> None:
    table = Table()
    assert 4 == len(await passed_on(table, NOBODY, NOBODY))
    assert {} == table.rows


async def test_a_disabled_tag_is_dropped_and_not_remembered() -> None:
    table = Table()
    assert [] == await passed_on(table, replace(CLIENT, tag="paused"))
    assert {} == table.rows


async def test_an_unknown_tag_goes_to_unknown_and_is_not_remembered() -> None:
    table = Table()
    routed = await passed_on(table, replace(CLIENT, tag="invented"), now=T0 + DAY)
    assert ["seen.unknown"] == [r.destination for r in routed]
    assert {} == table.rows
