"""How often one user is written to, and what becomes of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.ports import Rules
from schemas.records import RequestReceived
from tables.caps import DAY_MS, MINUTE_MS, WEEK_MS, Limits
from tests.fakes import MemoryOutside, MemoryReference
from tests.requests import (
    ALARM,
    ORDER,
    PHONES,
    PROMO,
    REGISTERED,
    REQUEST,
    RESET,
    T0,
    TEMPLATES,
    Desk,
    chosen,
    decision,
    ending,
    tasks,
)

LIMITS = Limits(per_minute=2, per_day=3, marketing_per_day=1, marketing_per_week=2)
CONSENT = chosen(kind="consent_granted", purpose="marketing")
KINDS = [ORDER, RESET, PROMO, ALARM]


def asked(number: int, at: int = T0, **fields: Any) -> RequestReceived:
    """One more request of the same user."""
    named = {"request_id": f"r{number}", "idempotency_key": f"k{number}", "origin": f"t/0/{number}"}
    return replace(REQUEST, **named, occurred_at=at, received_at=at, **fields)


@pytest.fixture
def desk() -> Desk:
    book = MemoryReference(types=list(KINDS), templates=list(TEMPLATES))
    return Desk(MemoryOutside(book, rules=Rules(limits=LIMITS)))


async def ends(desk: Desk, number: int, at: int = T0, **fields: Any) -> tuple[str, str | None]:
    desk.now = at
    return ending(await desk.tell(asked(number, at, **fields)))[:2]


@pytest.mark.spec("NS-SEC-030 NS-SEC-OP-05")
async def test_ns_sec_op_05_beyond_the_limit_of_a_minute_a_message_is_skipped(desk: Desk) -> None:
    await desk.tell(REGISTERED)
    told = [await ends(desk, number) for number in range(3)]
    assert [("accepted", None), ("accepted", None), ("skipped", "frequency_capped")] == told
    assert ("accepted", None) == await ends(desk, 3, T0 + MINUTE_MS)


@pytest.mark.spec("NS-SEC-OP-05")
async def test_ns_sec_op_05_and_beyond_that_of_a_day(desk: Desk) -> None:
    await desk.tell(REGISTERED)
    for number in range(3):
        assert "accepted" == (await ends(desk, number, T0 + number * MINUTE_MS))[0]
    desk.now = T0 + 5 * MINUTE_MS
    capped = ending(await desk.tell(asked(3, desk.now)))
    assert ("skipped", "frequency_capped", "recipients.per_day", "email") == capped
    assert "accepted" == (await ends(desk, 4, T0 + DAY_MS))[0]


@pytest.mark.spec("NS-SEC-OP-05")
async def test_ns_sec_op_05_what_is_mandatory_is_sent_and_told(desk: Desk) -> None:
    """A two-factor code must never be dropped."""
    await desk.tell(REGISTERED)
    code: dict[str, Any] = {"notification_type": "password_reset", "data": b'{"Code":"1"}'}
    told = [await ends(desk, number, **code) for number in range(4)]
    assert [("accepted", None)] * 2 + [("accepted", "over_limit")] * 2 == told
    assert ("accepted", None) == await ends(desk, 9)


async def test_a_full_channel_leaves_the_others(desk: Desk) -> None:
    await desk.tell(REGISTERED)
    for number in range(2):
        await ends(desk, number)
    answered = await desk.tell(PHONES, asked(2))
    assert ["push", "push"] == [task.channel for task in tasks(answered)]
    assert ("accepted", None, "recipients.per_minute", "email") == ending(answered)


@pytest.mark.spec("NS-CH-067")
async def test_many_devices_are_one_message(desk: Desk) -> None:
    await desk.tell(PHONES)
    only: dict[str, Any] = {"channels": ["push"]}
    assert ["accepted", "accepted", "skipped"] == [(await ends(desk, n, **only))[0] for n in range(3)]


async def test_a_full_channel_brings_no_reserve_channel(desk: Desk) -> None:
    """Reserve channels are for whom nothing reaches: spam must not turn into text messages."""
    await desk.tell(REGISTERED, PHONES)
    told = [await ends(desk, number, notification_type="alarm", lane="normal") for number in range(3)]
    assert ("skipped", "frequency_capped") == told[-1]


async def test_a_reserve_channel_has_its_limit_too(desk: Desk) -> None:
    await desk.tell(replace(REGISTERED, email=None))
    told = [await ends(desk, number, notification_type="alarm") for number in range(3)]
    assert ("skipped", "frequency_capped") == told[-1]


@pytest.mark.spec("NS-OPS-120")
async def test_ns_camp_032_marketing_comes_once_a_day_and_so_often_a_week(desk: Desk) -> None:
    promo: dict[str, Any] = {"notification_type": "promo", "data": b"{}", "lane": "low"}
    await desk.tell(REGISTERED, CONSENT)
    assert ("accepted", None) == await ends(desk, 0, **promo)
    desk.now = T0 + DAY_MS - 1
    capped = ending(await desk.tell(asked(1, desk.now, **promo)))
    assert ("skipped", "frequency_capped", "recipients.marketing_per_day", "1") == capped
    assert ("accepted", None) == await ends(desk, 2, T0 + DAY_MS, **promo)
    assert "frequency_capped" == (await ends(desk, 3, T0 + 2 * DAY_MS, **promo))[1]
    assert ("accepted", None) == await ends(desk, 4, T0 + WEEK_MS, **promo)
    assert ("accepted", None) == await ends(desk, 5, T0 + WEEK_MS)


@pytest.mark.spec("CRM-OP-14")
async def test_campaigns_of_other_types_share_the_cap_of_marketing_only_where_that_is_switched_on() -> None:
    """Mutations: always; never; also what bears no label."""
    told = []
    for campaigns in (False, True):
        rules = Rules(limits=LIMITS._replace(campaigns=campaigns))
        book = MemoryReference(types=list(KINDS), templates=list(TEMPLATES))
        one = Desk(MemoryOutside(book, rules=rules))
        await one.tell(REGISTERED)
        for n, label in enumerate(("spring", "summer", None)):
            told.append(await ends(one, n, T0 + n * MINUTE_MS, campaign_label=label))
    assert [("accepted", None)] * 4 + [("skipped", "frequency_capped"), ("accepted", None)] == told


@pytest.mark.spec("CRM-OP-14")
async def test_a_campaign_and_marketing_take_each_others_places() -> None:
    rules = Rules(limits=LIMITS._replace(campaigns=True))
    one = Desk(MemoryOutside(MemoryReference(types=list(KINDS), templates=list(TEMPLATES)), rules=rules))
    await one.tell(REGISTERED, CONSENT)
    assert "accepted" == (await ends(one, 0, campaign_label="spring"))[0]
    one.now = T0 + MINUTE_MS
    promo = asked(1, one.now, notification_type="promo", data=b"{}", lane="low")
    assert ("skipped", "frequency_capped", "recipients.marketing_per_day", "1") == ending(
        await one.tell(promo)
    )


async def test_what_is_mandatory_never_takes_a_campaigns_place() -> None:
    rules = Rules(limits=LIMITS._replace(campaigns=True))
    one = Desk(MemoryOutside(MemoryReference(types=list(KINDS), templates=list(TEMPLATES)), rules=rules))
    await one.tell(REGISTERED)
    code: dict[str, Any] = {"notification_type": "password_reset", "data": b'{"Code":"1"}'}
    await ends(one, 0, campaign_label="spring", **code)
    assert "accepted" == (await ends(one, 1, campaign_label="spring"))[0]


async def test_a_flag_without_limits_keeps_nothing() -> None:
    book = MemoryReference(types=list(KINDS), templates=list(TEMPLATES))
    one = Desk(MemoryOutside(book, rules=Rules(limits=Limits(campaigns=True))))
    await one.tell(REGISTERED)
    assert ("accepted", None) == await ends(one, 0, campaign_label="spring")
    assert {} == one.caps.rows


async def test_the_alarm_of_one_channel_is_not_told_of_another(desk: Desk) -> None:
    """Mutation: any channel that is over its limit."""
    await desk.tell(REGISTERED)
    code: dict[str, Any] = {"notification_type": "password_reset", "data": b'{"Code":"1"}'}
    for number in range(3):
        await ends(desk, number, **code)
    await desk.tell(replace(REGISTERED, action="updated", changed_at=T0, phone=b""))
    assert ("accepted", None) == await ends(desk, 3, **code)


async def test_what_is_not_sent_does_not_count(desk: Desk) -> None:
    off = chosen(kind="type", notification_type=ORDER.code, is_enabled=False)
    await desk.tell(REGISTERED, off)
    for number in range(5):
        assert "type_disabled" == (await ends(desk, number))[1]
    assert {} == desk.caps.rows


async def test_without_limits_nothing_is_kept() -> None:
    one = Desk()
    for number in range(20):
        answered = await one.tell(REGISTERED, asked(number))
        assert "accepted" == decision(answered).outcome
    assert {} == one.caps.rows
