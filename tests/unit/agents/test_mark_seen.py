"""The seen stage."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from agents.forward import Queues
from agents.mark_seen import Memory, is_within, mark_seen
from schemas.records import (
    FallbackAsked,
    MessageSeen,
    SeenCall,
    SeenDestination,
    SeenFact,
    SeenPosted,
    SeenRouted,
    SeenTag,
)
from schemas.seen_figures import Decision, SeenDecided, SeenTried
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
        SeenTag(tag="halved", destinations=["halved"], percentage=50),
        SeenTag(
            tag="mixed",
            destinations=["plain"],
            targets=[
                SeenDestination(kind="api", name="wallet", url="http://wallet/"),
                SeenDestination(kind="topic", name="other", topic="t.other", event_types=["driver"]),
                SeenDestination(kind="api", name="fleet", url="http://fleet/", event_types=["driver"]),
            ],
        ),
    ]
)


async def outcomes_of(table: Table, *posted: SeenPosted, now: int = T0) -> list[Any]:
    table.now = now
    events = [
        FakeEvent(value, headers={"traceparent": b"00-aa-bb-01"}, origin=f"facts.seen/0/{number}")
        for number, value in enumerate(posted)
    ]
    memory = Memory(table, Queues(MemoryTable(), MemoryTable(), REFERENCE))
    return [outcome async for outcome in mark_seen(FakeStream(events, now=now), memory)]


async def passed_on(table: Table, *posted: SeenPosted, now: int = T0) -> list[SeenRouted]:
    return [one for one in await outcomes_of(table, *posted, now=now) if isinstance(one, SeenRouted)]


@pytest.mark.spec("SEEN-030 SEEN-032")
async def test_a_fact_goes_to_every_destination_of_its_tag() -> None:
    routed = await passed_on(Table(), CLIENT)
    assert [("promotions", "u-1"), ("analytics", "u-1")] == [(r.destination, r.user_key) for r in routed]


@pytest.mark.spec("SEEN-033 SEEN-036 SEEN-038")
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


@pytest.mark.spec("SEEN-033 SEEN-036 SEEN-039 SEEN-OP-23")
async def test_the_envelope_of_a_driver_has_its_two_fields() -> None:
    driver = replace(CLIENT, kind="driver", user={"db_id": "d", "uuid": "x"}, user_key="d/x")
    (routed, _) = await passed_on(Table(), driver)
    assert {"db_id": "d", "uuid": "x"} == routed.fact.user


@pytest.mark.spec("SEEN-033 SEEN-040")
async def test_the_envelope_of_an_unauthorised_event_has_no_user_at_all() -> None:
    (routed, _) = await passed_on(Table(), NOBODY)
    assert {"event_type", "tag", "id", "seen_at"} == set(json.decode(json.encode(routed.fact)))


@pytest.mark.spec("SEEN-OP-14")
async def test_a_repeat_in_the_same_batch_and_in_a_later_one_is_dropped() -> None:
    table = Table()
    assert 2 == len(await passed_on(table, CLIENT, CLIENT))
    assert [] == await passed_on(table, CLIENT)


@pytest.mark.spec("SEEN-014")
async def test_after_remember_for_the_fact_counts_as_new() -> None:
    table = Table()
    await passed_on(table, CLIENT)
    assert [] == await passed_on(table, CLIENT, now=CLIENT.received_at + 59_999)
    assert 2 == len(await passed_on(table, CLIENT, now=CLIENT.received_at + 60_000))


@pytest.mark.spec("SEEN-OP-03")
@pytest.mark.parametrize("other", [{"user_key": "u-2"}, {"id": "p-2"}, {"kind": "driver"}])
async def test_another_user_id_or_kind_is_no_repeat(other: dict[str, str]) -> None:
    table = Table()
    await passed_on(table, CLIENT)
    assert 2 == len(await passed_on(table, replace(CLIENT, **other)))


@pytest.mark.spec("SEEN-OP-03")
async def test_a_fact_of_nobody_is_never_a_repeat() -> None:
    table = Table()
    assert 4 == len(await passed_on(table, NOBODY, NOBODY))
    assert {} == table.rows


@pytest.mark.spec("SEEN-OP-21")
async def test_a_disabled_tag_is_dropped_and_not_remembered() -> None:
    table = Table()
    assert [] == await passed_on(table, replace(CLIENT, tag="paused"))
    assert {} == table.rows


@pytest.mark.spec("SEEN-OP-08")
async def test_an_unknown_tag_goes_to_unknown_and_is_not_remembered() -> None:
    table = Table()
    routed = await passed_on(table, replace(CLIENT, tag="invented"), now=T0 + DAY)
    assert ["seen.unknown"] == [r.destination for r in routed]
    assert {} == table.rows


@pytest.mark.spec("SEEN-034 SEEN-035 SEEN-OP-10")
async def test_each_api_that_takes_this_type_is_called_with_the_same_envelope_as_a_topic() -> None:
    found = await outcomes_of(Table(), replace(CLIENT, tag="mixed"))
    (routed,) = (one for one in found if isinstance(one, SeenRouted))
    (call,) = (one for one in found if isinstance(one, SeenCall))
    assert "plain" == routed.destination
    assert ("wallet", 1, routed.fact) == (call.parcel.destination, call.parcel.calls, call.parcel.fact)
    assert "00-aa-bb-01" == call.parcel.traceparent


async def test_a_destination_gets_only_the_types_it_asks_for() -> None:
    driver = replace(CLIENT, tag="mixed", kind="driver", user={"db_id": "d", "uuid": "x"}, user_key="d/x")
    found = await outcomes_of(Table(), driver)
    assert ["plain", "t.other"] == [one.destination for one in found if isinstance(one, SeenRouted)]
    assert ["wallet", "fleet"] == [one.parcel.destination for one in found if isinstance(one, SeenCall)]


@pytest.mark.spec("SEEN-054")
async def test_the_key_a_consumer_gets_follows_from_the_fact_and_tells_unknown_users_apart() -> None:
    known, nobody = replace(CLIENT, tag="mixed"), replace(NOBODY, tag="mixed")
    first = await outcomes_of(Table(), known, nobody, nobody)
    again = await outcomes_of(Table(), known, nobody, nobody)
    ids = [one.parcel.fact_id for one in first if isinstance(one, SeenCall)]
    assert ids == [one.parcel.fact_id for one in again if isinstance(one, SeenCall)]
    assert 3 == len(set(ids))


@pytest.mark.spec("SEEN-OP-21")
async def test_a_share_of_the_users_is_passed_on_and_the_others_are_not_remembered() -> None:
    users = [replace(CLIENT, tag="halved", user_key=f"user:{number}") for number in range(400)]
    table = Table()
    routed = await passed_on(table, *users)
    assert 150 < len(routed) < 250
    assert len(routed) == len(table.rows)


@pytest.mark.spec("SEEN-OP-21")
def test_who_is_within_a_percentage_is_within_every_larger_one() -> None:
    firsts = [
        min(share for share in range(101) if is_within(share, f"user:{number}")) for number in range(50)
    ]
    for number, first in enumerate(firsts):
        assert all(is_within(share, f"user:{number}") for share in range(first, 101))
    assert not any(is_within(0, f"user:{number}") for number in range(50))


@pytest.mark.spec("SEEN-OP-08 SEEN-OP-20")
async def test_figures_name_configured_tags_and_one_word_for_all_others() -> None:
    posts = [replace(CLIENT, tag=tag) for tag in ("promotions", "promotions", "paused", "invented")]
    found = await outcomes_of(Table(), *posts)
    assert [
        SeenDecided("promotions", Decision.PASSED),
        SeenDecided("promotions", Decision.REPEATED),
        SeenDecided("paused", Decision.DISABLED),
        SeenDecided("unknown", Decision.UNKNOWN),
    ] == [one for one in found if isinstance(one, SeenDecided)]
    delivered = {(one.tag, one.destination) for one in found if isinstance(one, SeenTried)}
    assert {("promotions", "promotions"), ("promotions", "analytics")} == delivered


@pytest.mark.parametrize("tag", ["notification", "notification.opened"])
async def test_a_users_fact_about_a_message_is_its_receipt_and_no_unknown_tag(tag: str) -> None:
    """GEN-OP-06."""
    found = await outcomes_of(Table(), replace(CLIENT, tag=tag, id="m-1"))
    assert [
        MessageSeen(message_id="m-1", user_id="u-1", tag=tag, seen_at=T0),
        SeenDecided(tag, Decision.RECEIPT),
    ] == found


@pytest.mark.parametrize("who", [{"kind": "driver", "user": {"db_id": "d"}}, {"kind": "client", "user": {}}])
async def test_who_is_no_user_has_no_messages(who: dict[str, Any]) -> None:
    found = await outcomes_of(Table(), replace(CLIENT, tag="notification", **who))
    assert [] == [one for one in found if isinstance(one, MessageSeen)]
    assert SeenDecided("unknown", Decision.UNKNOWN) in found


async def test_a_reserved_tag_may_have_destinations_too() -> None:
    reference = MemoryReference(tags=[SeenTag(tag="notification", destinations=["copies"])])
    memory = Memory(Table(), Queues(MemoryTable(), MemoryTable(), reference))
    stream = FakeStream([FakeEvent(replace(CLIENT, tag="notification"))], now=T0)
    found = [type(one) async for one in mark_seen(stream, memory)]
    assert [MessageSeen, SeenDecided, SeenRouted, SeenTried] == found


async def test_a_question_passes_behind_the_facts_before_it() -> None:
    asked = FallbackAsked(user_id="u-1", wait_id="00")
    events = [FakeEvent(replace(CLIENT, tag="notification")), FakeEvent(asked)]
    memory = Memory(Table(), Queues(MemoryTable(), MemoryTable(), REFERENCE))
    found = [one async for one in mark_seen(FakeStream(events, now=T0), memory)]
    assert [MessageSeen, SeenDecided, FallbackAsked] == [type(one) for one in found]
