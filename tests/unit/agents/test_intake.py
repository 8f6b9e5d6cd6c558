"""The intake: what becomes of a record of another service."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from agents.receive import Arrival
from schemas.ids import derived
from schemas.records import (
    NotificationType,
    RequestDecided,
    RequestReceived,
)
from schemas.times import rfc3339
from tests.arrivals import ASKED, PAID, REQUESTS, known, one
from tests.fakes import MemoryReference, PlainCipher
from tests.requests import DAY, ORDER, PROMO, SECOND, T0, USER

CLEAR = PlainCipher().open


@pytest.mark.spec("NS-SND-001")
async def test_a_request_is_taken_over() -> None:
    expected = RequestReceived(
        request_id=derived("request", REQUESTS),
        source="notification.send.request",
        idempotency_key="order-1",
        user_id=USER,
        notification_type="order_confirmation",
        lane="normal",
        data=b'sealed:{"OrderNumber":"A-1"}',
        received_at=T0,
        occurred_at=T0 - SECOND,
        origin=REQUESTS,
    )
    assert expected == await one(ASKED)


@pytest.mark.spec("NS-EVT-OP-03")
async def test_headers_name_the_request_its_source_and_its_time() -> None:
    headers = {
        "request_id": b"0F8FAD5B-D9CB-469F-A165-70867728950E",
        "source": b"shop",
        "occurred_at": rfc3339(T0 - DAY).encode(),
    }
    found = await one(ASKED, headers=headers)
    assert (USER, "shop", T0 - DAY) == (found.request_id, found.source, found.occurred_at)


@pytest.mark.parametrize(
    "headers",
    [
        {"request_id": b"7", "source": b"", "occurred_at": b"yesterday"},
        {"request_id": b"\xff", "source": b"\xff\xfe", "occurred_at": b"\xff"},
        {"source": b"x" * 256, "occurred_at": b"2125-05-21T12:34:56Z"},
        {"source": b"shop\x00", "occurred_at": b"1969-05-21T12:34:56Z"},
    ],
)
async def test_headers_that_cannot_be_meant_count_as_absent(headers: dict[str, bytes]) -> None:
    assert await one(ASKED) == await one(ASKED, headers=headers)


@pytest.mark.parametrize("now", [T0 + 300 * SECOND, T0, T0 - 300 * SECOND])
async def test_a_worker_whose_clock_is_minutes_off_reads_the_same_time(now: int) -> None:
    arrival = Arrival(origin="user.events/0/1", at=T0, now=now, headers={})
    assert T0 == arrival.occurred_at


@pytest.mark.parametrize(("at", "expected"), [(-1, T0), (0, T0), (T0 + DAY, T0), (T0 - DAY, T0 - DAY)])
async def test_a_records_own_time_is_believed_unless_it_is_none_or_in_the_future(
    at: int, expected: int
) -> None:
    assert expected == (await one(ASKED, at=at)).occurred_at


@pytest.mark.spec("NS-SND-004 NS-SND-OP-02 NS-SND-040")
@pytest.mark.parametrize(
    ("asked", "kind", "lane"),
    [
        ("high", ORDER, "high"),
        (None, ORDER, "normal"),
        ("urgent", ORDER, "normal"),
        (None, replace(ORDER, default_priority="high"), "high"),
        ("low", replace(ORDER, default_priority="high"), "low"),
        (None, replace(ORDER, default_priority="soon"), "normal"),
        ("high", replace(PROMO, code="order_confirmation"), "low"),
        (None, replace(PROMO, code="order_confirmation"), "low"),
        ("high", replace(ORDER, code="another"), "high"),
        (None, replace(ORDER, code="another"), "normal"),
    ],
)
async def test_the_lane_is_the_asked_one_or_the_types_and_never_more_than_low_for_advertising(
    asked: str | None, kind: NotificationType, lane: str
) -> None:
    book = MemoryReference(types=[kind])
    assert lane == (await one(replace(ASKED, priority=asked), book=book)).lane


@pytest.mark.spec("NS-SND-OP-01")
@pytest.mark.parametrize(
    ("text", "at", "problem"),
    [
        (rfc3339(T0 + DAY), T0 + DAY, None),
        (rfc3339(T0 - DAY), T0 - DAY, None),
        (rfc3339(T0 + 90 * DAY), T0 + 90 * DAY, None),
        (rfc3339(T0 + 90 * DAY + 1), None, "invalid_time"),
        ("tomorrow", None, "invalid_time"),
        ("", None, "invalid_time"),
    ],
)
async def test_a_planned_time_is_read_or_refused(text: str, at: int | None, problem: str | None) -> None:
    found = await one(replace(ASKED, scheduled_at=text))
    assert (at, problem) == (found.scheduled_at, found.problem)


@pytest.mark.spec("NS-SEC-OP-01")
async def test_secrets_and_addresses_leave_the_intake_sealed() -> None:
    data = {"Code": "1234", "email": "anna@example.com", "OrderNumber": "A-1"}
    found = await one(replace(ASKED, notification_type="password_reset", data=data))
    assert b"1234" not in found.data
    assert b"anna" not in found.data
    assert {"Code", "email", "OrderNumber"} == json.loads(CLEAR(found.data)).keys()
    assert "A-1" == json.loads(CLEAR(found.data))["OrderNumber"]


async def test_everything_is_sealed_while_the_type_or_its_templates_are_unknown() -> None:
    for book in (MemoryReference(), MemoryReference(types=[ORDER])):
        found = await one(ASKED, book=book)
        assert b"A-1" not in found.data


async def test_what_looks_sealed_is_sealed_again() -> None:
    stolen = {"$sealed": "c2VhbGVkOiIxMjM0Ig=="}
    found = await one(replace(ASKED, data={"OrderNumber": stolen}))
    assert stolen != json.loads(CLEAR(found.data))["OrderNumber"]


@pytest.mark.spec("NS-SND-010 NS-SND-012 NS-SND-OP-03 NS-EVT-005 NS-EVT-045")
async def test_an_event_is_mapped_by_its_rule() -> None:
    book = known(
        priority="high", data={"OrderNumber": "order_id", "Sum": "refund.amount", "None": "refund.x.y"}
    )
    found = await one(PAID, "payment.events/2/5", {"event_id": b"e1"}, book=book)
    expected = RequestReceived(
        request_id=derived("request", "payment.events/2/5"),
        source="payment.events",
        idempotency_key="e1",
        user_id=USER,
        notification_type="order_confirmation",
        lane="high",
        data=b'sealed:{"OrderNumber":"A-1","Sum":5}',
        received_at=T0,
        occurred_at=T0 - SECOND,
        origin="payment.events/2/5",
        rule="payment.events/payment.successful",
    )
    assert expected == found


async def test_a_rule_without_a_mapping_takes_all_but_addresses() -> None:
    found = await one(PAID, "payment.events/2/5")
    assert {"order_id": "A-1", "refund": {"amount": 5}} == json.loads(CLEAR(found.data))


async def test_a_rule_that_maps_an_address_seals_it() -> None:
    found = await one(PAID, "payment.events/2/5", book=known(data={"To": "email"}))
    assert b"anna" not in found.data


@pytest.mark.spec("NS-SND-OP-11 NS-EVT-OP-03")
async def test_an_event_without_an_id_is_known_by_its_place() -> None:
    assert "payment.events/2/5" == (await one(PAID, "payment.events/2/5")).idempotency_key


async def test_the_id_and_source_of_a_cloud_event_are_used() -> None:
    headers = {"ce_id": b"c1", "ce_source": b"/payments", "request_id": USER.encode()}
    found = await one(PAID, "payment.events/2/5", headers)
    assert ("c1", "/payments") == (found.idempotency_key, found.source)
    assert USER != found.request_id, "many events may come from one action"


@pytest.mark.spec("NS-SND-OP-03")
async def test_an_event_that_nobody_maps_is_skipped_and_findable() -> None:
    expected = RequestDecided(
        request_id=derived("request", "payment.events/2/5"),
        source="payment.events",
        idempotency_key="payment.events/2/5",
        user_id=USER,
        notification_type="payment.viewed",
        category=None,
        lane="normal",
        received_at=T0,
        decided_at=T0,
        outcome="skipped",
        reason="unmapped_event",
        rule="rules",
        value="payment.events/payment.viewed",
        origin="payment.events/2/5",
    )
    assert expected == await one(replace(PAID, event_type="payment.viewed"), "payment.events/2/5")
